"""Where the app is installed, and with which token: from the database, remembered for some seconds.

An installation is a workspace's own or its organisation's; the workspace's own comes first. It ends when Slack says
so and its token indeed no longer works: such events may come late, after the app was installed again.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from tierbot.adapters.slack.identity import Identity
from tierbot.adapters.slack.installation.vault import Vault, VaultError
from tierbot.domain.nouns import TierbotError, key
from tierbot.use_cases.game.setup import JOB as JOIN
from tierbot.use_cases.ports import Clock, Installation, Job, Store, Transaction, Workspace

_log = logging.getLogger(__name__)

_REMEMBERED = timedelta(seconds=5)  # how long an end that another process was told of goes unnoticed
_MOST_REMEMBERED = 10_000


class Installations:
    """All installations of the app. Safe to share among threads."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, works: Callable[[str], bool]) -> None:
        """`works` asks Slack whether a token does; raises TierbotError if Slack does not tell."""
        self._store = store
        self._vault = vault
        self._clock = clock
        self._works = works
        self._known: dict[tuple[str | None, str | None], tuple[datetime, Identity | None]] = {}
        self._lock = threading.Lock()

    # --- who may act where ------------------------------------------------------------------------

    def of(self, workspace: str) -> Identity | None:
        """Return the bot of a workspace that is known, None if the app is not installed there.

        Raises VaultError if its token cannot be unsealed.
        """
        return self._remembered((workspace, None), lambda: self._of(workspace))

    def _of(self, workspace: str) -> Identity | None:
        with self._store.read(workspace) as tx:
            known = tx.workspaces.get()
        if known is None or known.stopped_at is not None:
            return None
        found = self._standing(workspace) or self._org_wide(known.enterprise)
        return self._identity(found, workspace) if found else None

    def asked_by(self, team: str | None, enterprise: str | None) -> Identity | None:
        """Return the bot that a request from Slack is for, None if the app is not installed there.

        A workspace of an organisation with the app in all of it is made known by its first request. Raises VaultError
        if the token cannot be unsealed.
        """
        return self._remembered((team, enterprise or ""), lambda: self._asked_by(team, enterprise))

    def _asked_by(self, team: str | None, enterprise: str | None) -> Identity | None:
        if team is not None and (own := self._standing(team)):
            return self._identity(own, team)
        found = self._org_wide(enterprise)
        if found is None:
            return None
        if team is not None and not self._admit(team, found):
            return None
        return self._identity(found, team or found.id)

    def _standing(self, place: str) -> Installation | None:
        with self._store.read(place) as tx:
            found = tx.installations.get()
        return found if found is not None and found.ended_at is None else None

    def _org_wide(self, enterprise: str | None) -> Installation | None:
        found = self._standing(enterprise) if enterprise else None
        return found if found is not None and found.org_wide else None

    def _identity(self, found: Installation, workspace: str) -> Identity:
        token = self._vault.unseal(found.sealed_token)
        return Identity(workspace, found.name, "", found.bot_user, found.bot_id, token, found.enterprise)

    def _remembered(self, key: tuple[str | None, str | None], look: Callable[[], Identity | None]) -> Identity | None:
        now = self._clock.now()
        with self._lock:
            known = self._known.get(key)
        if known is not None and known[0] > now:
            return known[1]
        found = look()
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = (now + _REMEMBERED, found)
        return found

    def forget(self) -> None:
        """Look everything up again."""
        with self._lock:
            self._known.clear()

    def installers(self, workspace: str) -> frozenset[str]:
        """Return who installed the app in a workspace: they may be no admin of Slack's."""
        with self._store.read(workspace) as tx:
            found = tx.installations.get()
        return frozenset({found.installer}) if found is not None else frozenset()

    # --- beginnings -------------------------------------------------------------------------------

    def begin(self, installation: Installation, token: str) -> None:
        """Keep a new installation and let its workspace (or all known ones of its organisation) run."""
        sealed = replace(installation, sealed_token=self._vault.seal(token))
        with self._store.begin(sealed.id) as tx:
            tx.installations.put(sealed)
            tx.workspaces.audit(sealed.installer, "install app", None, list(sealed.scopes), sealed.installed_at)
            if not sealed.org_wide:
                self._let_run(tx, sealed.id, sealed)
        if sealed.org_wide:
            for one in self._store.workspaces():
                if one.enterprise == sealed.id:
                    self.admit(one.id, sealed.id)
        self.forget()

    def admit(self, team: str, enterprise: str) -> None:
        """Let a workspace run with its organisation's installation; nothing if that has ended."""
        found = self._org_wide(enterprise)
        if found is not None:
            with self._store.begin(team) as tx:
                self._let_run(tx, team, found)
            self.forget()

    def _admit(self, team: str, found: Installation) -> bool:
        """Make a workspace known that asks for the first time; False if it is stopped."""
        with self._store.read(team) as tx:
            known = tx.workspaces.get()
        if known is not None and known.enterprise == found.id:
            return known.stopped_at is None
        with self._store.begin(team) as tx:
            self._let_run(tx, team, found)
        return True

    def _let_run(self, tx: Transaction, team: str, found: Installation) -> None:
        now, known = self._clock.now(), tx.workspaces.get()
        name = f"{found.name} ({team})" if found.org_wide else found.name
        before = known or Workspace(team, name, now)
        name = before.name if found.org_wide else found.name
        tx.workspaces.put(replace(before, name=name, enterprise=found.enterprise, stopped_at=None))
        asked = {
            "bot_user": found.bot_user,
            "installer": found.installer,
            "installed_at": found.installed_at.isoformat(),
        }
        tx.agenda.ask(Job.request(JOIN, key(JOIN, found.installed_at, now), now, **asked))
        tx.outbox.release(now)

    # --- ends -------------------------------------------------------------------------------------

    def end(self, place: str, why: str) -> bool:
        """End the installation of a workspace or an organisation, unless its token still works.

        Raises TierbotError if Slack does not say whether it does.
        """
        found = self._standing(place)
        if found is None:
            return False
        try:
            if self._works(self._vault.unseal(found.sealed_token)):
                _log.info("%s of %s is about a former installation: the present token works.", why, place)
                return False
        except VaultError as fault:
            _log.warning("%s: %s", place, fault)
        now = self._clock.now()
        with self._store.begin(place) as tx:
            if tx.installations.get() != found or not tx.installations.end(why, now):
                return False  # it was installed again, or another process was quicker
        for one in self._store.workspaces():
            if one.id == place or (one.enterprise == place and self._standing(one.id) is None):
                self.stop(one.id, why)
        return True

    def stop(self, team: str, why: str) -> None:
        """Let a workspace stand still: its data stay, nothing is sent or scheduled."""
        now = self._clock.now()
        with self._store.begin(team) as tx:
            known = tx.workspaces.get()
            if known is not None and known.stopped_at is None:
                tx.workspaces.put(replace(known, stopped_at=now))
                tx.workspaces.audit("slack", why, "running", "stopped", now)
                _log.warning("Workspace %s stopped: %s. Its data are kept; installing again resumes it.", team, why)
        self.forget()

    def revoked(self, team: str, enterprise: str) -> None:
        """Stop a workspace that its organisation's installation can no longer reach, if it has none of its own."""
        with self._store.read(team) as tx:
            known = tx.workspaces.get()
        if known is not None and known.enterprise == enterprise and self._standing(team) is None:
            self.stop(team, "team_access_revoked")

    def lost(self, workspace: str, why: str) -> None:
        """Slack refused a workspace's token: end the installation that it is of."""
        with self._store.read(workspace) as tx:
            known, own = tx.workspaces.get(), tx.installations.get()
        place = workspace if own is not None and own.ended_at is None else known.enterprise if known else None
        try:
            if place is not None:
                self.end(place, why)
        except TierbotError as fault:
            _log.info("Whether %s is still installed could not be asked: %s", place, fault)

    # --- keys -------------------------------------------------------------------------------------

    def reseal(self) -> tuple[int, list[str]]:
        """Seal all tokens with the present key; return how many are, and a sentence on each that no key opens."""
        done, faults = 0, []
        known = self._store.workspaces()
        for place in sorted({one.id for one in known} | {one.enterprise for one in known if one.enterprise}):
            with self._store.begin(place) as tx:
                found = tx.installations.get()
                if found is None or found.ended_at is not None:
                    continue
                try:
                    sealed = self._vault.resealed(found.sealed_token)
                except VaultError as fault:
                    faults.append(f"{found.name} ({place}): {fault}")
                    continue
                done += 1
                if sealed != found.sealed_token:
                    tx.installations.put(replace(found, sealed_token=sealed))
        return done, faults
