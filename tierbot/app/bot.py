"""A wired bot: its parts, and starting and stopping them. bootstrap.py wires one."""

import gc
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tierbot.adapters.files.configuration import load_boundaries, load_feeds
from tierbot.adapters.processes.trainer import ChildTrainer
from tierbot.adapters.slack.identity import Identity
from tierbot.adapters.slack.installation.installations import Installations
from tierbot.domain.tags import TagSpace
from tierbot.settings import Settings
from tierbot.use_cases.articles.intake import Intake
from tierbot.use_cases.asking.invitations import Invitations
from tierbot.use_cases.game.home import HomePage
from tierbot.use_cases.game.nudges import Nudges
from tierbot.use_cases.game.questions import Game
from tierbot.use_cases.game.setup import Setup
from tierbot.use_cases.jobs.scheduler import JobKind, Scheduler
from tierbot.use_cases.jobs.worker import Worker
from tierbot.use_cases.loop import Loop
from tierbot.use_cases.models.explanations import Explanations
from tierbot.use_cases.models.registry import Registry
from tierbot.use_cases.ports import (
    Chat,
    Clock,
    Encoder,
    Meter,
    Store,
    Workspace,
    only_workspace,
)
from tierbot.use_cases.voting.menu_votes import MenuVotes

_OFTEN = (700, 10, 10)  # Python's own thresholds: many short garbage collections, where starting up prefers few
_TURN = 0.001  # seconds before a computing thread yields; at Python's default of 0.005, reactions wait for several


def answer_promptly() -> None:
    """Keep short work from waiting for other threads' long work. Call this once everything is loaded."""
    # Everything loaded so far stays in memory: with torch, a full garbage collection over it takes a quarter of a second.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_OFTEN)
    # After each call to the database, an acknowledgment waits for the interpreter lock.
    sys.setswitchinterval(_TURN)


class SystemClock:
    """ports.Clock, from the machine's clock."""

    def now(self) -> datetime:
        """Return the current time, aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that only increase."""
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class Tierbot:
    """A wired bot that does nothing yet. `tierbot run` connects it to Slack."""

    settings: Settings
    tags: TagSpace
    clock: Clock
    store: Store
    encoder: Encoder
    registry: Registry
    intake: Intake
    loop: Loop
    game: Game
    explanations: Explanations
    menu_votes: MenuVotes
    invitations: Invitations
    home: HomePage
    nudges: Nudges
    setup: Setup
    worker: Worker
    kinds: Mapping[str, JobKind]
    scheduler: Scheduler
    chats: Callable[[str], Chat]
    trainer: ChildTrainer
    installations: Callable[[], Installations]
    meter: Meter

    def only_workspace(self) -> str:
        """Return the id of the only workspace in the database, or of the one that TIERBOT_WORKSPACE names.

        Raises TierbotError if there is none yet, or several and none is named.
        """
        return only_workspace(self.store.workspaces(), self.settings.workspace)

    def prepare(self, identity: Identity) -> None:
        """Set up the workspace that the bot token belongs to.

        Raises TierbotError if the boundaries file or the feeds file is invalid.
        """
        load_boundaries(self.settings.boundaries, self.tags)
        load_feeds(self.settings.feeds)
        workspace = Workspace(identity.team_id, identity.team, self.clock.now(), bot_user=identity.bot_user_id)
        self.setup.prepare(workspace, self.tags)

    def start(self) -> None:
        """Start sending the outbox, settling votes, and running the schedule."""
        answer_promptly()
        self.worker.start()
        self.scheduler.start()

    def stop(self) -> bool:
        """Stop all of it within seconds; return whether all work was finished."""
        self.trainer.stop()
        return all([self.scheduler.stop(), self.worker.stop()])

    def close(self) -> None:
        """Close the database."""
        self.store.close()
