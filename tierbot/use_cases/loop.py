"""The loop, arrow by arrow: a table of contents. Each line names an arrow and the file that does it.

    article ─► prediction ─► post ─► reaction ─► vote ─► verdict ─► training set ─► model
    take_in    ask ────────► deliver  record     tally    settle     retrain ───────► (promoted)
    poll                              reconcile           close_round                 roll_back

Each arrow reads in one short transaction, decides outside of any, and writes in another. It is idempotent: running it
twice, or crashing in between, does no harm. The decisions are pure functions in `domain`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np

from tierbot.domain.articles.boundaries import Boundaries
from tierbot.domain.nouns import Article, ModelVersion, ReactionEvent, Round
from tierbot.domain.tags import TagSpace
from tierbot.settings import Settings
from tierbot.use_cases.articles.intake import Intake, Polled
from tierbot.use_cases.asking.ask import Ask
from tierbot.use_cases.asking.choosing import Chooser
from tierbot.use_cases.delivery.dispatch import Dispatcher, Draw
from tierbot.use_cases.models.registry import Registry, Training
from tierbot.use_cases.models.retraining import Retraining
from tierbot.use_cases.ports import Chat, Clock, Encoder, Store
from tierbot.use_cases.rounds.rounds import Rounds
from tierbot.use_cases.voting.reconciling import Reconciler, Sweep
from tierbot.use_cases.voting.recording import Recorder
from tierbot.use_cases.voting.settlement import Settlement
from tierbot.use_cases.voting.voters import Voters

_PATIENCE = 0.1  # seconds for which tallying and settling wait for reactions to be recorded


@dataclass(frozen=True, slots=True)
class Loop:
    """The arrows, for any workspace; the first argument of each is its id."""

    # article
    take_in: Callable[[str, Sequence[Article]], tuple[int, int]]  # files → articles: articles/intake.py
    poll: Callable[[str], Polled]  # feeds → articles: articles/intake.py
    embed: Callable[..., int]  # article → embedding, ahead of time: articles/intake.py
    # article → prediction → post
    ask: Ask  # chooses, predicts, queues posts: asking/ask.py, asking/choosing.py
    deliver: Callable[[str], bool]  # outbox → Slack: delivery/dispatch.py
    # reaction → vote → verdict
    record: Callable[[str, ReactionEvent], bool]  # reaction → ledger: voting/recording.py
    reconcile: Callable[[str, Mapping[str, Any] | None], Sweep]  # Slack → what the ledger missed: voting/reconciling.py
    look_up: Callable[[str], int]  # who may vote, asked of Slack: voting/voters.py
    tally: Callable[[str], int]  # ledger → votes of those who may: voting/tallying.py
    settle: Callable[[str], int]  # votes → verdicts: voting/settlement.py
    # rounds
    rounds: Rounds  # opens and closes them: rounds/rounds.py
    close_round: Callable[[str], Round | None]  # standings frozen and announced: rounds/rounds.py
    # verdict → training set → model
    retrain: Callable[[str], Training | None]  # models/retraining.py, models/registry.py
    roll_back: Callable[[str, str], ModelVersion]  # models/retraining.py


def loop_of(
    *,
    store: Store,
    chats: Callable[[str], Chat],
    intake: Intake,
    encoder: Encoder,
    registry: Registry,
    clock: Clock,
    settings: Settings,
    boundaries: Callable[[TagSpace], Boundaries],
    rng: np.random.Generator,
    draw: Draw,
    shut_out: Callable[[str, str], None] = lambda *_: None,
) -> Loop:
    """Put the arrows together. For `boundaries` see Chooser, for `draw` and `shut_out` Dispatcher."""
    pause = timedelta(seconds=1 / settings.slack_posts_per_second)
    chooser = Chooser(store, encoder, registry, clock, settings, boundaries, rng)
    voters = Voters(store, chats, clock)
    recorder = Recorder(store)
    settlement = Settlement(
        store,
        clock,
        aggregator=settings.aggregator,
        minimum=settings.minimum_voters,
        yield_turn=partial(recorder.wait_until_idle, _PATIENCE),
    )
    rounds = Rounds(store, clock, voters, settlement, timedelta(days=settings.round_days), settings.channel)
    retraining = Retraining(clock, settlement, registry, settings.channel)
    return Loop(
        take_in=intake.take_in,
        poll=intake.poll,
        embed=intake.embed,
        ask=Ask(store, clock, chooser, settings.channel),
        deliver=Dispatcher(store, chats, clock, draw, pause, shut_out).deliver,
        record=recorder.record,
        reconcile=Reconciler(store, chats, clock, timedelta(days=settings.settle_days), pause).sweep,
        look_up=voters.look_up,
        tally=settlement.tally,
        settle=settlement.settle,
        rounds=rounds,
        close_round=rounds.close,
        retrain=retraining.retrain,
        roll_back=retraining.roll_back,
    )
