"""Backtests the live bot's own decisions in memory, on a labeled archive with simulated trainers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import perf_counter

import numpy as np

from tierbot.domain.articles.rows import ArchiveRow
from tierbot.domain.feedback import votes_of
from tierbot.domain.nouns import RANDOM, Arm, Estimate, Outcome, Post, ReactionEvent, SettledPost, Vote, key
from tierbot.domain.predict.asking import Asked, Asker, AskingContext, ask_about
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.coldstart import coldstart
from tierbot.domain.predict.features import Features, joined
from tierbot.domain.tags import TagSpace
from tierbot.domain.training.fit import fit
from tierbot.domain.training.judge import accuracy, is_unbiased
from tierbot.domain.training.retrain import TrainingJob, train_challenger
from tierbot.domain.training.rows import TrainingRows, labeled_rows, teaches, verdict_rows
from tierbot.simulate.archive import EncodedArchive, LabeledArchive, Progress, labeled_archive
from tierbot.simulate.choices import LEARNERS, POLICIES, SELECTIONS, BacktestSettings, settler_of, split_of
from tierbot.simulate.reactions import Seen, reactions_to
from tierbot.simulate.teams import team_of
from tierbot.simulate.trainers import SimulatedTrainer
from tierbot.use_cases.ports import Encoder

_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday, on which the simulation starts
_WEEK = timedelta(days=7)
_OPENS, _HOURS, _DAYS = 9, 8.0, 5  # posts arrive on five days a week from nine to five
_CHANNEL = "C-BACKTEST"


@dataclass(frozen=True, slots=True)
class RoundResult:
    """The result of one round. Estimates have a 95% interval (Wilson).

    `accuracy` is of the model's likeliest tag against the archive's true tags, before learning: on `all` posts, and on
    `blank` posts that were selected at random.
    """

    round: int
    posts: int
    clicks: int  # adds and removes
    verdicts: int  # posts that settled
    abstentions: int  # the others
    verdict_accuracy: float | None  # share of verdicts that are right according to the archive
    accuracy: Mapping[str, Estimate]
    reported: Mapping[str, Estimate]  # the same as the bot itself would report it, against its verdicts
    arrived_accuracy: Estimate  # on all articles that arrived in this round, which both estimate
    window_accuracy: float | None  # of the live model after the round, on the last rows, which are never shown
    window_rows: int
    model: str  # its version
    promoted: bool  # whether this round's challenger was promoted
    reason: str  # why
    seconds: float


@dataclass(slots=True)
class _Asked:
    row: int
    asked: Asked
    post: Post
    events: list[ReactionEvent] = field(default_factory=list)
    votes: list[Vote] | None = None  # set once they are final


def backtest(
    rows: Iterable[ArchiveRow],
    settings: BacktestSettings,
    encoder: Encoder,
    rng: np.random.Generator,
    progress: Progress = lambda _: None,
    tags: TagSpace | None = None,
) -> Iterator[RoundResult]:
    """Replay an archive and yield each round as it ends; `progress` gets a line about each step.

    tags: as in `labeled_archive`. The same rows, settings and generator state give the same results, except for the
    seconds. Raises TierbotError if the archive is too small, or if a setting is invalid.
    """
    order, team, play = rng.spawn(3)
    archive = labeled_archive(rows, order, tags)
    trainers = team_of(settings.trainers, team, archive.tags.ids)
    run = _Backtest(archive, settings, encoder, trainers, play, progress)
    while run.number != settings.rounds and run.has_articles():
        yield run.play_round()


class _Backtest:
    def __init__(
        self,
        archive: LabeledArchive,
        settings: BacktestSettings,
        encoder: Encoder,
        trainers: Sequence[SimulatedTrainer],
        rng: np.random.Generator,
        progress: Progress,
    ) -> None:
        self._archive, self._settings, self._encoder = archive, settings, encoder
        self._trainers, self._progress = trainers, progress
        self._ask_rng, self._act_rng = rng.spawn(2)
        policy, mix = POLICIES[settings.policy], SELECTIONS[settings.selection]
        self._asker = Asker(policy, mix, settings.blank_share, settings.basic_share)
        self._learner = LEARNERS[settings.learner]
        self._settler = settler_of(settings, len(trainers), len(archive.tags.ids))
        self._encoded = EncodedArchive(archive, encoder, progress)
        self._tag_ids = archive.tags.ids
        self._prior = coldstart(archive.tags.active, encoder.encode)
        self._start_rows: TrainingRows | None = None
        self._model = self._prior
        self._version = "m0000"
        start, self._window = split_of(archive, settings, self._start_accuracy)
        if start:
            self._model, self._start_rows = self._start_model(start)
        self._next, self._end = start, len(archive) - self._window
        self._waiting: list[int] = []
        self._history: list[_Asked] = []
        self._features: Features | None = None  # of the history, in its order
        self._window_features: Features | None = None
        self._settled: dict[str, SettledPost] = {}
        self.number = 0

    def has_articles(self) -> bool:
        """Return whether there are articles left to ask about."""
        return self._next < self._end

    def _start_model(self, start: int) -> tuple[Classifier, TrainingRows]:
        self._progress(f"training a start model on {start} rows")
        truths = [dict.fromkeys(tags, 1.0) for tags in self._archive.true_tags[:start]]
        rows = labeled_rows(truths, self._encoded.features(range(start)), self._tag_ids)
        return fit(rows, self._prior, self._learner.fit, seed=self._settings.seed), rows

    def _start_accuracy(self, start: int, on: range) -> float:
        """Return the accuracy of a start model from the first `start` rows on later rows."""
        model = self._start_model(start)[0] if start else self._prior
        return float(np.mean(self._right(model, on, self._encoded.features(on))))

    def _right(self, model: Classifier, rows: Sequence[int], features: Features) -> list[bool]:
        """Return, for each row, whether the model's likeliest tag is true."""
        top = model.probabilities(features, self._tag_ids).argmax(axis=1)
        return [self._tag_ids[best] in self._archive.true_tags[row] for best, row in zip(top, rows, strict=True)]

    def _window_accuracy(self) -> float | None:
        if not self._window:
            return None
        rows = range(self._end, len(self._archive))
        if self._window_features is None:
            self._window_features = self._encoded.features(rows)
        return float(np.mean(self._right(self._model, rows, self._window_features)))

    def play_round(self) -> RoundResult:
        """Play one round: ask, react, settle, learn."""
        began = perf_counter()
        self.number += 1
        arrived = self._arrive()
        arrived_right = self._right(self._model, arrived, self._encoded.features(arrived))
        played = self._ask()
        self._progress(f"round {self.number}: {len(played)} posts, colleagues react")
        judged_today: dict[int, Counter[str]] = {}
        for place, item in enumerate(played):
            self._react(item, place, len(played), judged_today)
        taught = self._settle(played)
        promoted, reason = self._learn(taught)
        return self._result(played, Estimate.of_share(sum(arrived_right), len(arrived)), promoted, reason, began)

    def _arrive(self) -> list[int]:
        """Add the next articles to the waiting ones, of which the newest are kept, and return their rows."""
        count = round(self._settings.posts_per_round * self._settings.arrivals)
        arrived = list(range(self._next, min(self._next + max(1, count), self._end)))
        self._next += len(arrived)
        most = max(self._settings.most_waiting, self._settings.posts_per_round)
        self._waiting = (self._waiting + arrived)[-most:]
        return arrived

    def _ask(self) -> list[_Asked]:
        now = self._opens()
        rows = {self._archive.articles[row].id: row for row in self._waiting}
        verdicts = sum(teaches(item.verdict) for item in self._settled.values())
        terms = AskingContext(self._asker, self._model, self._version, self._tag_ids, verdicts, now, metadata={})
        asked = ask_about(
            [self._archive.articles[row] for row in self._waiting],
            self._encoded.embeddings(self._waiting),
            self._settings.posts_per_round,
            terms,
            self._ask_rng,
        ).asked
        played = [self._post(rows[item.prediction.article_id], item, now) for item in asked]
        taken = {item.row for item in played}
        self._waiting = [row for row in self._waiting if row not in taken]
        return played

    def _post(self, row: int, asked: Asked, now: datetime) -> _Asked:
        prediction = asked.prediction
        post = Post(
            id=key("post", prediction.article_id),
            prediction_id=prediction.id,
            article_id=prediction.article_id,
            round_number=self.number,
            arm=asked.arm,
            arm_probability=asked.arm_probability,
            shown_tag=prediction.shown_tag,
            channel=_CHANNEL,
            created_at=now,
        )
        return _Asked(row, asked, post)

    def _opens(self) -> datetime:
        return _EPOCH + (self.number - 1) * _WEEK

    def _react(self, item: _Asked, place: int, many: int, judged_today: dict[int, Counter[str]]) -> None:
        """Let the team react to a post; posts are spread over the week's working hours."""
        day, part = divmod(place * _DAYS / many, 1.0)
        at = self._opens() + timedelta(days=day, hours=_OPENS + _HOURS * part)
        seen = Seen(item.post, self._archive.true_tags[item.row], at)
        judged = judged_today.setdefault(int(day), Counter())
        item.events = reactions_to(seen, self._trainers, self._archive.tags, judged, self._act_rng)

    def _settle(self, played: Sequence[_Asked]) -> int:
        """Settle all posts with the votes so far, which may be on earlier rounds' posts; return how many changed."""
        features = self._encoded.features([item.row for item in played])
        self._history += played
        self._features = features if self._features is None else joined([self._features, features])
        until = self._opens() + _WEEK
        votes = {item.post.id: self._votes(item, until) for item in self._history}
        verdicts = self._settler([item.post for item in self._history], votes, until)
        changed = 0
        for item in self._history:
            verdict, known = verdicts[item.post.id], self._settled.get(item.post.id)
            changed += teaches(verdict) and (known is None or known.verdict.tags != verdict.tags)
            prediction = item.asked.prediction
            self._settled[item.post.id] = SettledPost(
                post=item.post,
                verdict=verdict,
                model_version=prediction.model_version,
                top_tag=prediction.top_tag,
                propensity=prediction.propensity,
                selection=prediction.selection,
            )
        return changed

    def _votes(self, item: _Asked, until: datetime) -> list[Vote]:
        if item.votes is not None:
            return item.votes
        events = [event for event in item.events if event.happened_at <= until]
        votes = votes_of(events, item.post, self._archive.tags)
        if len(events) == len(item.events):
            item.votes = votes
        return votes

    def _learn(self, taught: int) -> tuple[bool, str]:
        """Train a challenger on all verdicts and judge it; return whether it was promoted, and why."""
        if not taught or self._features is None:
            return False, "kept: this round has no new labels"
        settled = [self._settled[item.post.id] for item in self._history]
        likeliest = np.array([max(item.asked.prediction.probabilities.values()) for item in self._history])
        rewarded = self._learner.rewards.chosen(settled, likeliest)
        teaching = np.flatnonzero([teaches(item.verdict) for item in settled] | rewarded)
        self._progress(f"round {self.number}: learning from {len(teaching)} verdicts")
        kept = [settled[place] for place in teaching]
        rows = verdict_rows(kept, self._features.take(teaching), self._tag_ids)
        result = train_challenger(
            TrainingJob(
                verdicts=self._learner.rewards.added(rows, kept, likeliest[teaching]),
                unbiased=np.array([is_unbiased(item) for item in kept], dtype=bool),
                prior=self._prior,
                champion=self._model,
                encoder_digest=self._encoder.digest,
                parent=self._version,
                bootstrap=self._start_rows,
                bootstrap_weight=self._learner.replay_weight,
                seed=self._settings.seed,
                settings=self._learner.fit,
            )
        )
        if result.decision.promote:
            self._model, self._version = result.classifier, f"m{self.number:04d}"
        return result.decision.promote, result.decision.reason

    def _result(
        self, played: Sequence[_Asked], arrived: Estimate, promoted: bool, reason: str, began: float
    ) -> RoundResult:
        settled = [self._settled[item.post.id] for item in played]
        truths = [self._archive.true_tags[item.row] for item in played]
        right = [_is_right(one, true) for one, true in zip(settled, truths, strict=True) if teaches(one.verdict)]
        hits = [one.top_tag in true for one, true in zip(settled, truths, strict=True)]
        unbiased = [
            hit
            for hit, one in zip(hits, settled, strict=True)
            if one.post.arm is Arm.BLANK and one.selection.strategy == RANDOM
        ]
        return RoundResult(
            round=self.number,
            posts=len(played),
            clicks=sum(len(item.events) for item in played),
            verdicts=len(right),
            abstentions=len(played) - len(right),
            verdict_accuracy=float(np.mean(right)) if right else None,
            accuracy={
                "all": Estimate.of_share(sum(hits), len(hits)),
                "blank": Estimate.of_share(sum(unbiased), len(unbiased)),
            },
            reported={"all": accuracy(settled), "blank": accuracy(settled, arm=Arm.BLANK, random_only=True)},
            arrived_accuracy=arrived,
            window_accuracy=self._window_accuracy(),
            window_rows=self._window,
            model=self._version,
            promoted=promoted,
            reason=reason,
            seconds=round(perf_counter() - began, 3),
        )


def _is_right(settled: SettledPost, true_tags: Sequence[str]) -> bool:
    if settled.verdict.outcome is Outcome.NAMED:
        return set(settled.verdict.tags) <= set(true_tags)
    return settled.post.shown_tag not in true_tags
