"""Opens rounds, freezes them with their standings, and announces the result."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tierbot.domain.nouns import Round, key
from tierbot.domain.rounds.figures import RoundFigures
from tierbot.domain.rounds.scores import champion, sharpshooter, standings_of
from tierbot.use_cases.delivery.announcing import announce, channel_of
from tierbot.use_cases.ports import Clock, DeliveryKind, Store, Transaction
from tierbot.use_cases.rounds.round_report import chart_of, figures_before, report_of
from tierbot.use_cases.voting.settlement import Settlement
from tierbot.use_cases.voting.tallying import tally, tally_waiting
from tierbot.use_cases.voting.voters import Voters

_FREEZE_ATTEMPTS = 3  # then the round is frozen although votes keep arriving; they score, settled or not


@dataclass(eq=False)
class Rounds:
    """Opens and closes the rounds of any workspace."""

    store: Store
    clock: Clock
    voters: Voters
    settlement: Settlement
    length: timedelta
    default_channel: str  # for workspaces that haven't chosen one; may be empty

    def open(self, tx: Transaction, number: int) -> None:
        """Open round `number` from now on."""
        now = self.clock.now()
        tx.rounds.open(Round(number=number, opened_at=now, closes_at=now + self.length))
        tx.agenda.plan("close_round", now + self.length)

    def close(self, workspace: str) -> Round | None:
        """Freeze the open round's standings, announce its champion, open the next; return the closed round.

        Votes recorded before the freeze score. A round without a post in Slack is extended by its length; None then.
        """
        for attempt in range(_FREEZE_ATTEMPTS):
            self.voters.look_up(workspace)
            self.settlement.settle(workspace)
            self.settlement.settle_round(workspace)
            self.voters.look_up(workspace)  # those who have voted meanwhile
            with self.store.read(workspace) as tx:
                current = tx.rounds.current()
                former = figures_before(tx, current.number) if current else []
            with self.store.begin(workspace) as tx:
                if current is None or tx.rounds.current() != current:
                    return None  # another process has just closed it
                late = 0
                while few := tally(tx, self.clock.now()):
                    late += few
                late += tally_waiting(tx)
                if not late or attempt == _FREEZE_ATTEMPTS - 1:
                    return self._freeze(tx, current, former)
            # Votes that arrived meanwhile are settled before the standings count agreement.
        return None

    def _freeze(self, tx: Transaction, current: Round, former: Sequence[RoundFigures]) -> Round | None:
        now = self.clock.now()
        if not any(post.ts for post in tx.posts.in_round(current.number)):
            tx.rounds.prolong(current.number, now + self.length)
            tx.agenda.plan("close_round", now + self.length)
            return None
        tx.posts.move_queued(current.number, current.number + 1)  # nobody has seen them: they join the next round
        posts = tx.posts.in_round(current.number)
        verdicts = tx.verdicts.latest([post.id for post in posts])
        standings = standings_of(posts, tx.ledger.votes_in_round(current.number), verdicts)
        closed = replace(current, frozen_at=now, champion=champion(standings), sharpshooter=sharpshooter(standings))
        if not tx.rounds.freeze(closed, standings):
            return None
        self.open(tx, current.number + 1)
        self._announce(tx, closed, report_of(tx, closed, standings, posts), chart_of(tx, current.number, former), now)
        return closed

    def _announce(
        self, tx: Transaction, closed: Round, report: dict[str, object], chart: dict[str, object], now: datetime
    ) -> None:
        """Queue the text, then the picture, both before earlier deliveries."""
        channel, words = channel_of(tx, self.default_channel), key("round_closed", closed.number)
        announce(tx, words, report, channel, now, priority=1)
        chart_id, picture = key("round_chart", closed.number), DeliveryKind.PICTURE
        announce(tx, chart_id, chart, channel, now, kind=picture, priority=1, after_id=words)
