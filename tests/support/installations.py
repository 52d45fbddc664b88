"""Installed workspaces for tests."""

from dataclasses import replace

from cryptography.fernet import Fernet

from tests.adapters.slack.conftest import NOW, StoppedClock
from tierbot.adapters.slack.installation.installations import Installations
from tierbot.adapters.slack.installation.vault import Vault
from tierbot.adapters.store import open_store
from tierbot.use_cases.ports import Installation

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


TOKEN = "xoxb-1-secret"


def installed(place="T1", **changes):
    return replace(Installation(place, place, None, False, "UBOT", "BBOT", "", ("chat:write",), "UADA", NOW), **changes)


def org_wide(**changes):
    return installed("E1", enterprise="E1", org_wide=True, **changes)


class Place:
    """Installations over a database, and Slack's opinion of tokens."""

    def __init__(self, url, *keys):
        self.clock, self.dead, self.asked, self.fault = StoppedClock(), set(), [], None
        self.store = open_store(url)
        self.all = self.reopened(*keys)

    def reopened(self, *keys):
        return Installations(self.store, Vault(keys), self.clock, self.works)

    def works(self, token):
        self.asked.append(token)
        if self.fault:
            raise self.fault
        return token not in self.dead

    def workspace(self, team="T1"):
        with self.store.read(team) as tx:
            return tx.workspaces.get()

    def jobs(self, team="T1"):
        with self.store.read(team) as tx:
            return [(job.kind, job.payload.get("installer")) for job in tx.agenda.all()]
