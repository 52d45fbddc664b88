"""People's questions and requests to tierbot. All answers are quick: work goes on the agenda for the scheduler."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

from tierbot.domain.articles.boundaries import Boundaries
from tierbot.domain.nouns import DAWN, ModelVersion, ReactionEvent, Round, Standing, TierbotError, key
from tierbot.domain.rounds.boards import Leaderboard, MyScore, Push, Queue, RoundStatus, TrainingData
from tierbot.domain.rounds.calendar import local_days
from tierbot.domain.rounds.scores import all_time_standings, standings_of, streak
from tierbot.domain.tags import TagSpace
from tierbot.settings import Settings
from tierbot.use_cases.asking.push_schedule import is_open
from tierbot.use_cases.asking.queue import queue_of
from tierbot.use_cases.delivery.announcing import channel_of
from tierbot.use_cases.delivery.channels import leave_closed
from tierbot.use_cases.game.waiting import Waiting, what_waits
from tierbot.use_cases.models.external_predictors import is_external
from tierbot.use_cases.ports import Clock, Job, Store, Transaction, Workspace
from tierbot.use_cases.recent_posts import open_round
from tierbot.use_cases.rounds.round_report import round_status

_LONGEST_STREAK = timedelta(days=120)

JOBS = ("push", "retrain", "close_round")


@dataclass(eq=False)
class Game:
    """The game as colleagues and admins see it."""

    store: Store
    clock: Clock
    settings: Settings
    record: Callable[[str, ReactionEvent], bool]  # see Loop
    roll_back: Callable[[str, str], ModelVersion]  # see Loop
    wake: Callable[[], None]  # wakes the background worker
    boundaries: Callable[[TagSpace], Boundaries]  # reads the rules in force

    # --- questions ------------------------------------------------------------------------------

    def leaderboard(self, workspace: str, which: str = "this") -> Leaderboard:
        """Return the standings of this round, the last, all time, or round N. Raises TierbotError for anything else."""
        with self.store.read(workspace) as tx:
            if which == "all":
                return self._all_time(tx)
            current = open_round(tx)
            if which in {"", "this", str(current.number)}:
                return _board(current, self._live(tx, current))
            number = current.number - 1 if which == "last" else _number(which)
            wanted = tx.rounds.get(number)
            if wanted is None:
                none_yet = f"There is no round {number} yet; this is round {current.number}."
                raise TierbotError("No round has ended yet: this is the first." if which == "last" else none_yet)
            return _board(wanted, tx.rounds.standings(number))

    def _all_time(self, tx: Transaction) -> Leaderboard:
        totals = {user: (judged, agreed, settled) for user, judged, agreed, settled in tx.rounds.all_time()}
        for line in self._live(tx, open_round(tx)):
            judged, agreed, settled = totals.get(line.user, (0, 0, 0))
            totals[line.user] = (judged + line.judged, agreed + line.agreed, settled + line.settled)
        standings = all_time_standings((user, *numbers) for user, numbers in totals.items())
        return Leaderboard(
            None, frozen=False, closes_at=None, champion=None, sharpshooter=None, standings=tuple(standings)
        )

    @staticmethod
    def _live(tx: Transaction, round_: Round) -> list[Standing]:
        posts = tx.posts.in_round(round_.number)
        votes = tx.ledger.votes_in_round(round_.number)
        return standings_of(posts, votes, tx.verdicts.latest(votes))

    def my_score(self, workspace: str, user: str) -> MyScore:
        """Return one trainer's view of the current round."""
        now = self.clock.now()
        with self.store.read(workspace) as tx:
            round_ = open_round(tx)
            standings = self._live(tx, round_)
            moments = [vote.at for _, vote in tx.ledger.votes_by(user, now - _LONGEST_STREAK)]
        zone = self.settings.zone
        mine = next((line for line in standings if line.user == user), None)
        ahead = [line for line in standings if mine is None or line.score > mine.score]
        return MyScore(
            user=user,
            round_number=round_.number,
            standing=mine,
            ahead=ahead[-1] if ahead else None,
            trainers=len(standings),
            streak=streak(local_days(moments, zone), now.astimezone(zone).date()),
        )

    def round_status(self, workspace: str) -> RoundStatus:
        """Return the status of the current round."""
        with self.store.read(workspace) as tx:
            return round_status(tx, open_round(tx))

    def models(self, workspace: str) -> list[ModelVersion]:
        """Return all model versions, newest first."""
        with self.store.read(workspace) as tx:
            return tx.models.all()

    def waiting(self, workspace: str) -> Waiting:
        """Return what is waiting for Slack or an admin."""
        with self.store.read(workspace) as tx:
            return what_waits(tx, self.settings.channel, self.clock.now())

    def queue(self, workspace: str) -> Queue:
        """Return what is waiting to be posted."""
        with self.store.read(workspace) as tx:
            return queue_of(tx, self.boundaries, ask_unclear=self.settings.ask_unclear)

    # --- requests by admins -----------------------------------------------------------------------

    def push(self, workspace: str, count: int, by: str, trigger: str = "") -> Push:
        """Request a push of up to `count` articles, unless there is nothing to post; see `request`."""
        queue = self.queue(workspace)
        if posts := queue.posts_of(count):
            self.request(workspace, "push", by, trigger, count=posts, of=posts)
        settings = self.settings
        pace = (queue.unsent + queue.requested + posts) / settings.slack_posts_per_second
        return Push(count, posts, queue, pace, quiet=not is_open(settings, self.clock.now()))

    def retrain(self, workspace: str, by: str, trigger: str = "") -> TrainingData:
        """Request a retraining, unless there is nothing to learn from; see `request`."""
        with self.store.read(workspace) as tx:
            found = training_data_of(tx)
        if not found.untrainable and (found.verdicts or found.imported):
            self.request(workspace, "retrain", by, trigger)
        return found

    def request(self, workspace: str, job: str, by: str, trigger: str = "", **details: int | str) -> bool:
        """Request a job now, and record that in the audit trail; return whether the request is new.

        `trigger` is Slack's id of the command or click: one that is delivered twice is one request. Raises TierbotError
        for an unknown job, or if the round to close has no post yet.
        """
        if job not in JOBS:
            raise TierbotError(f"Unknown job {job!r}. Use one of: {', '.join(JOBS)}.")
        now, request_id = self.clock.now(), key("request", job, trigger or uuid4())
        with self.store.begin(workspace) as tx:
            if job == "close_round" and tx.rounds.current() is not None:
                details["round"] = _posted_in(tx)  # whenever the job runs, it closes this round
            new = tx.agenda.ask(Job.request(job, request_id, now, by, **details))
            if new:
                tx.workspaces.audit(by, f"request {job}", None, details, now)
        self.wake()
        return new

    def pause(self, workspace: str, by: str) -> bool:
        """Pause scheduled posts; False if they were paused already."""
        return self._set_paused(workspace, by, paused=True)

    def resume(self, workspace: str, by: str) -> bool:
        """Resume scheduled posts; False if they were not paused."""
        return self._set_paused(workspace, by, paused=False)

    def _set_paused(self, workspace: str, by: str, *, paused: bool) -> bool:
        with self.store.begin(workspace) as tx:
            known = _set_up(tx, workspace)
            before = known.paused
            if before == paused:
                return False
            tx.workspaces.put(replace(known, paused=paused))
            tx.workspaces.audit(by, "pause" if paused else "resume", before, paused, self.clock.now())
        return True

    def channel(self, workspace: str) -> str:
        """Return the channel that a workspace uses; empty if none is chosen yet."""
        with self.store.read(workspace) as tx:
            return channel_of(tx, self.settings.channel)

    def choose_channel(self, workspace: str, channel: str, by: str) -> bool:
        """Use another channel from the next post on; False if it is already in use.

        What waits for the former channel goes to the new one if the former is closed to the bot.
        """
        with self.store.begin(workspace) as tx:
            known = _set_up(tx, workspace)
            before = channel_of(tx, self.settings.channel)
            if before == channel:
                return False
            tx.workspaces.put(replace(known, channel=channel))
            leave_closed(tx, before, channel)
            tx.workspaces.audit(by, "choose channel", before or None, channel, self.clock.now())
        return True


def training_data_of(tx: Transaction) -> TrainingData:
    """Return what a retraining can learn from."""
    newest, champion, current = next(iter(tx.models.all()), None), tx.models.champion(), tx.rounds.current()
    external = champion is not None and is_external(champion) and not champion.card.get("learns")
    return TrainingData(
        verdicts=tx.verdicts.count_since(DAWN),
        new=tx.verdicts.count_since(newest.created_at if newest else DAWN),
        imported=bool(tx.given_labels.sample(1)),
        judged=round_status(tx, current).judged if current else 0,
        untrainable=champion.id if champion and external else None,
    )


def _set_up(tx: Transaction, workspace: str) -> Workspace:
    known = tx.workspaces.get()
    if known is None:
        raise TierbotError(f"Workspace {workspace} is not set up. Start the bot once with `tierbot run`.")
    return known


def _posted_in(tx: Transaction) -> int:
    """Return the open round's number. Raises TierbotError if nothing has been posted in it."""
    number = open_round(tx).number
    if not any(post.ts for post in tx.posts.in_round(number)):
        raise TierbotError(
            f"Nothing has been posted in round {number} yet. Type `/tier push` first, and close the round after people have voted."
        )
    return number


def _number(which: str) -> int:
    if not which.isdecimal() or not 0 < int(which) < 10**6:
        raise TierbotError(f"Use `this`, `last`, `all` or a round's number instead of “{which[:40]}”.")
    return int(which)


def _board(round_: Round, standings: list[Standing]) -> Leaderboard:
    return Leaderboard(
        round_number=round_.number,
        frozen=round_.frozen_at is not None,
        closes_at=round_.closes_at,
        champion=round_.champion,
        sharpshooter=round_.sharpshooter,
        standings=tuple(standings),
    )
