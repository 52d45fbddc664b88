"""The use cases and settings that the listeners need, passed as one value."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tierbot.adapters.slack.admins import Admins
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.articles.tag_requests import TagRequests
from tierbot.use_cases.asking.invitations import Invitations
from tierbot.use_cases.delivery.channels import ChannelNews
from tierbot.use_cases.game.home import HomePage
from tierbot.use_cases.game.legend import Legend
from tierbot.use_cases.game.questions import Game
from tierbot.use_cases.models.explanations import Explanations
from tierbot.use_cases.ports import Clock
from tierbot.use_cases.voting.menu_votes import MenuVotes


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the listeners need.

    The functions take a workspace. `channel` returns its channel's id, empty or None if unset; `is_new` whether no process has
    handled an event of this id; `on_emoji_changed` is called with a workspace whose emoji changed, `on_events_missed`
    with one whose events were dropped and the time until which they were.
    """

    game: Game
    clock: Clock
    admins: Admins
    channel: Callable[[str], str | None]
    tags: Callable[[str], TagSpace]
    explanations: Explanations
    menu_votes: MenuVotes
    invitations: Invitations
    home: HomePage
    tag_requests: TagRequests
    is_new: Callable[[str, str], bool]
    on_emoji_changed: Callable[[str], None]
    on_events_missed: Callable[[str, datetime], None]
    legend: Legend
    channel_news: ChannelNews
