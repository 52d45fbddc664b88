"""What the listeners work with, handed to them as one value."""

from collections.abc import Callable
from dataclasses import dataclass

from tierbot.adapters.slack.admins import Admins
from tierbot.adapters.slack.game_port import Explanations, GamePort, HomePage, Invitations, MenuVotes, Requests
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.ports import Clock


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the listeners work with.

    `channel` gives a workspace's channel id, None where none is chosen yet; `tags` its tag space.
    """

    game: GamePort
    clock: Clock
    admins: Admins
    channel: Callable[[str], str | None]
    tags: Callable[[str], TagSpace]
    explanations: Explanations
    menu_votes: MenuVotes
    invitations: Invitations
    home: HomePage
    requests: Requests
