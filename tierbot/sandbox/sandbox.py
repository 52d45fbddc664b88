"""Assemble a sandbox: a team, its events, and its interactions with the app."""

from tierbot.sandbox.events.appevents import AppEvents
from tierbot.sandbox.events.interactions import Interactions
from tierbot.sandbox.kit.clock import Clock
from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.settings import Settings
from tierbot.sandbox.team import Team


class Sandbox(Team):
    """A team whose app receives events and interactions."""

    def __init__(
        self, settings: Settings | None = None, clock: Clock | None = None, beside: "Sandbox | None" = None
    ) -> None:
        """`beside` is the first team, whose clock, app and transport the others share."""
        super().__init__(settings, clock, beside)
        self.events = AppEvents(self, self.settings.events, self.courier)
        self.interactions = Interactions(self)
        self.workspace.listen(self._publish)

    def revoke_token(self) -> None:
        """Revoke the bot's token and notify the app."""
        self.events.end(self.workspace.id, "token_revoked")

    def uninstall(self, *, org_wide: bool = False) -> None:
        """Remove the app from the workspace or the whole organization, revoke its token, and notify it."""
        place = self.teams.org.id if org_wide and self.teams.org else self.workspace.id
        self.events.end(place, "account_inactive", {"type": "app_uninstalled"})

    def grant(self, *, granted: bool = True) -> None:
        """Grant or revoke the organization's app access to this team, and notify the app."""
        org = self.teams.org
        if org is None:
            raise SlackError("invalid_arguments", messages=["this team isn't part of an organization"])
        change = org.granted.add if granted else org.granted.discard
        change(self.workspace.id)
        kind = "team_access_granted" if granted else "team_access_revoked"
        self.events.send({"type": kind, "team_ids": [self.workspace.id]}, of_org=True)
