"""Listens for changes of a workspace's own emoji: an alias may stand for a tag's emoji."""

from collections.abc import Callable

from slack_bolt import App, BoltContext

from tierbot.adapters.slack.needs import Needs

NEEDS = Needs(events={"emoji_changed": ("emoji:read",)})


def register(app: App, changed: Callable[[str], None]) -> None:
    """Call `changed` with each workspace whose emoji changed."""

    def emoji_changed(context: BoltContext) -> None:
        changed(str(context.team_id))

    app.event("emoji_changed")(emoji_changed)
