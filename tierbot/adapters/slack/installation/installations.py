"""The app's installations and their tokens: stored in the database, cached for seconds.

An installation belongs to a workspace or to its organization; the workspace's own takes precedence. It ends when Slack
reports its end and the token no longer works. Slack's report may arrive late, after the app was installed again.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from tierbot.adapters.slack.cache import Cache
from tierbot.adapters.slack.identity import Identity
from tierbot.adapters.slack.installation.vault import Vault, VaultError
from tierbot.domain.nouns import TierbotError, key
from tierbot.use_cases.game.setup import JOB as JOIN
from tierbot.use_cases.ports import Clock, Installation, Job, Store, Transaction, Workspace

_log = logging.getLogger(__name__)

_CACHED = timedelta(seconds=5)  # how long this process may not notice that another process ended an installation


class Installations:
    """All installations of the app. Thread-safe."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, works: Callable[[str], bool]) -> None:
        """`works` asks Slack whether a token works; it raises TierbotError if Slack doesn't answer."""
        self._store = store
        self._vault = vault
        self._clock = clock
        self._works = works
        self._known: Cache[tuple[str | None, str | None], Identity | None] = Cache(clock, _CACHED)

    def of(self, workspace: str) -> Identity | None:
        """Return the bot of a known workspace, None if not installed. Raises VaultError if no key fits its token."""
        return self._known.get((workspace, None), lambda: self._of(workspace))

    def _of(self, workspace: str) -> Identity | None:
        with self._store.read(workspace) as tx:
            known = tx.workspaces.get()
        if known is None or known.stopped_at is not None:
            return None
        found = self._active(workspace) or self._org_wide(known.enterprise)
        return self._identity(found, workspace) if found else None

    def asked_by(self, team: str | None, enterprise: str | None) -> Identity | None:
        """Return the bot that a request from Slack is for, or None if the app isn't installed there.

        If the app is installed in a whole organization, a workspace's first request registers the workspace. Raises
        VaultError if the token can't be decrypted.
        """
        return self._known.get((team, enterprise or ""), lambda: self._asked_by(team, enterprise))

    def _asked_by(self, team: str | None, enterprise: str | None) -> Identity | None:
        if team is not None and (own := self._active(team)):
            return self._identity(own, team)
        found = self._org_wide(enterprise)
        if found is None or (team is not None and not self._admit(team, found)):
            return None
        return self._identity(found, team or found.id)

    def _active(self, place: str) -> Installation | None:
        with self._store.read(place) as tx:
            found = tx.installations.get()
        return found if found is not None and found.ended_at is None else None

    def _org_wide(self, enterprise: str | None) -> Installation | None:
        found = self._active(enterprise) if enterprise else None
        return found if found is not None and found.org_wide else None

    def _identity(self, found: Installation, workspace: str) -> Identity:
        return Identity(workspace, found.name, found.bot_user, found.bot_id, self._vault.unseal(found.sealed_token))

    def installers(self, workspace: str) -> frozenset[str]:
        """Return who installed the app in a workspace; they need not be Slack admins."""
        with self._store.read(workspace) as tx:
            found = tx.installations.get()
        return frozenset({found.installer}) if found is not None else frozenset()

    def begin(self, installation: Installation, token: str) -> None:
        """Store a new installation and start its workspace, or all known workspaces of its organization."""
        sealed = replace(installation, sealed_token=self._vault.seal(token))
        with self._store.begin(sealed.id) as tx:
            tx.installations.put(sealed)
            tx.workspaces.audit(sealed.installer, "install app", None, list(sealed.scopes), sealed.installed_at)
            if not sealed.org_wide:
                self._start(tx, sealed.id, sealed)
        if sealed.org_wide:
            for one in self._store.workspaces():
                if one.enterprise == sealed.id:
                    self.admit(one.id, sealed.id)
        self._known.clear()

    def admit(self, team: str, enterprise: str) -> None:
        """Start a workspace under its organization's installation; do nothing if that has ended."""
        found = self._org_wide(enterprise)
        if found is not None:
            with self._store.begin(team) as tx:
                self._start(tx, team, found)
            self._known.clear()

    def _admit(self, team: str, found: Installation) -> bool:
        """Register a new workspace; return False if it is a known one that was stopped."""
        with self._store.read(team) as tx:
            known = tx.workspaces.get()
        if known is not None and known.enterprise == found.id:
            return known.stopped_at is None
        with self._store.begin(team) as tx:
            self._start(tx, team, found)
        return True

    def _start(self, tx: Transaction, team: str, found: Installation) -> None:
        now = self._clock.now()
        before = tx.workspaces.get() or Workspace(team, f"{found.name} ({team})", now)
        name = before.name if found.org_wide else found.name
        tx.workspaces.put(replace(before, name=name, enterprise=found.enterprise, stopped_at=None))
        who = {"bot_user": found.bot_user, "installer": found.installer, "installed_at": found.installed_at.isoformat()}
        tx.agenda.ask(Job.request(JOIN, key(JOIN, found.installed_at, now), now, **who))
        tx.outbox.release(now)

    def end(self, place: str, why: str) -> bool:
        """End an installation unless its token still works. Raises TierbotError if Slack doesn't say."""
        found = self._active(place)
        if found is None:
            return False
        try:
            if self._works(self._vault.unseal(found.sealed_token)):
                _log.info(
                    "Ignored %s of %s: it is about an earlier installation, and the current token works.", why, place
                )
                return False
        except VaultError as fault:
            _log.warning("%s: %s", place, fault)
        now = self._clock.now()
        with self._store.begin(place) as tx:
            if tx.installations.get() != found or not tx.installations.end(why, now):
                return False  # installed again, or another process was faster
        for one in self._store.workspaces():
            if one.id == place or (one.enterprise == place and self._active(one.id) is None):
                self.stop(one.id, why)
        return True

    def stop(self, team: str, why: str) -> None:
        """Stop sending to a workspace and scheduling its jobs; keep its data."""
        now = self._clock.now()
        with self._store.begin(team) as tx:
            known = tx.workspaces.get()
            if known is not None and known.stopped_at is None:
                tx.workspaces.put(replace(known, stopped_at=now))
                tx.workspaces.audit("slack", why, "running", "stopped", now)
                _log.warning(
                    "Workspace %s stopped: %s. Its data is kept; installing the app again resumes it.", team, why
                )
        self._known.clear()

    def revoked(self, team: str, enterprise: str) -> None:
        """Stop a workspace that lost access to its organization's installation and has none of its own."""
        with self._store.read(team) as tx:
            known = tx.workspaces.get()
        if known is not None and known.enterprise == enterprise and self._active(team) is None:
            self.stop(team, "team_access_revoked")

    def lost(self, workspace: str, why: str) -> None:
        """End the installation whose token Slack refused for a workspace."""
        with self._store.read(workspace) as tx:
            known, own = tx.workspaces.get(), tx.installations.get()
        place = workspace if own is not None and own.ended_at is None else known.enterprise if known else None
        try:
            if place is not None:
                self.end(place, why)
        except TierbotError as fault:
            _log.info("Could not check whether the app is still installed in %s: %s", place, fault)

    def reseal(self) -> tuple[int, list[str]]:
        """Encrypt all tokens with the current key; return their number, and an error for each that no key decrypts."""
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
