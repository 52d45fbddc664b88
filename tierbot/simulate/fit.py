"""Fits trainers' traits to a real ledger, so that a backtest simulates a team like your own.

Each trait is estimated by counting, and shrunk to the default in trainers.toml while counts are small. A post's true
tags are derived from the other trainers' votes. The blank arm shows what a trainer knows; additional clicks on wrong
pre-fills in the tier arm are their anchoring.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta, tzinfo

import numpy as np

from tierbot.domain.feedback import Aggregator, votes_of
from tierbot.domain.nouns import Arm, Origin, Outcome, Post, ReactionEvent, Says, Source, TierbotError, Vote
from tierbot.domain.tags import TagSpace, base_name
from tierbot.domain.tags.emoji import APPROVE, REJECT
from tierbot.simulate.teams import usual_traits
from tierbot.simulate.trainers import HOURS, SHARES, Kind, SimulatedTrainer

_PRIOR = 10.0  # observations that a default trait is worth
_HOUR_PRIOR = 5.0
_LAZY_FROM = 0.4  # the lowest anchoring of a lazy trainer in trainers.toml
_SURE = 0.5  # share of the others for a further true tag, so that it isn't the mistake of a few
_SLIP_SECONDS = 30.0  # a click that is replaced this soon was a slip
_AROUND = timedelta(days=1)  # how long a trainer is around before their first and after their last reaction
_FEWEST_DELAYS = 5
_MOST_DOUBT = 0.95  # a trainer who is always in doubt can't be fitted


class NothingToFitError(TierbotError):
    """A ledger in which no trainer has judged enough posts."""


@dataclass(frozen=True, slots=True)
class FittedTrainer:
    """A simulated trainer fitted to a user (Slack's id), and how many posts the fit is based on."""

    user: str
    trainer: SimulatedTrainer
    judged: int


@dataclass(slots=True)
class _Share:
    hits: float = 0.0
    of: float = 0.0

    def count(self, hit: bool) -> None:
        self.hits += hit
        self.of += 1

    def shrunk(self, usual: float, weight: float = _PRIOR) -> float:
        return _shrunk(self.hits, self.of, usual, weight)


@dataclass(slots=True)
class _Counts:
    known: _Share = field(default_factory=_Share)  # blank arm: named the only true tag
    known_by_tag: dict[str, _Share] = field(default_factory=lambda: defaultdict(_Share))
    sibling: _Share = field(default_factory=_Share)
    shown_wrong: _Share = field(default_factory=_Share)  # tier arm: clicked a wrong pre-fill
    hidden_wrong: _Share = field(default_factory=_Share)  # blank arm: named the wrong, hidden tag
    extra: _Share = field(default_factory=_Share)
    named_arm: _Share = field(default_factory=_Share)  # reacted
    blank: _Share = field(default_factory=_Share)
    by_hour: list[_Share] = field(default_factory=lambda: [_Share() for _ in range(HOURS)])
    log_delays: list[float] = field(default_factory=list)
    tones: Counter[int] = field(default_factory=Counter)
    judged: int = 0
    clicks: int = 0
    slips: int = 0
    taken_back: int = 0
    menu: int = 0
    unsure: int = 0


def fit_trainers(
    posts: Iterable[Post],
    events: Mapping[str, Sequence[ReactionEvent]],
    tags: TagSpace,
    rule: Aggregator,
    *,
    zone: tzinfo,
    ignore: Iterable[str] = (),
    fewest: int = 10,
) -> list[FittedTrainer]:
    """Fit a trainer to each person with at least `fewest` judged posts; most posts first.

    events: each sent post's reaction events, by post id. rule: settles the others' votes. zone: the workspace's.
    ignore: user ids that aren't people (the bot). A ledger can't separate herding and fatigue from preferences and
    activity: herding stays at its default, fatigue is 0. Raises NothingToFitError.
    """
    bots = set(ignore)
    sent = sorted((post for post in posts if post.posted_at is not None), key=lambda post: (post.posted_at, post.id))
    said = {post.id: [event for event in events.get(post.id, ()) if event.user not in bots] for post in sent}
    presence = _presence(said.values())
    counts = {user: _Counts() for user in presence}
    for post in sent:
        votes = votes_of(said[post.id], post, tags)
        by_user: dict[str, list[ReactionEvent]] = defaultdict(list)
        for event in sorted(said[post.id], key=lambda event: (event.happened_at, event.event_id)):
            by_user[event.user].append(event)
        for user, (first, last) in presence.items():
            if post.posted_at is not None and first - _AROUND <= post.posted_at <= last + _AROUND:
                _meet(counts[user], post, by_user.get(user, []), post.posted_at.astimezone(zone).hour)
            if user in by_user:
                others = [vote for vote in votes if vote.user != user]
                _judge(counts[user], post, [vote for vote in votes if vote.user == user], others, tags, rule)
    enough = sorted((user for user in counts if counts[user].judged >= fewest), key=lambda u: (-counts[u].judged, u))
    if not enough:
        raise NothingToFitError(f"Nobody has judged {fewest} posts yet. Try again when there are more votes.")
    usual = usual_traits()
    return [
        FittedTrainer(user, _trainer(f"colleague-{number}", counts[user], usual), counts[user].judged)
        for number, user in enumerate(enough, 1)
    ]


def _presence(said: Iterable[Sequence[ReactionEvent]]) -> dict[str, tuple[datetime, datetime]]:
    found: dict[str, tuple[datetime, datetime]] = {}
    for event in (event for group in said for event in group):
        first, last = found.get(event.user, (event.happened_at, event.happened_at))
        found[event.user] = min(first, event.happened_at), max(last, event.happened_at)
    return dict(sorted(found.items()))


def _meet(counts: _Counts, post: Post, events: Sequence[ReactionEvent], hour: int) -> None:
    """Count whether and how a trainer reacted to a post while they were around."""
    reacted = bool(events)
    (counts.blank if post.arm is Arm.BLANK else counts.named_arm).count(reacted)
    if post.arm is not Arm.BLANK:
        counts.by_hour[hour].count(reacted)
    if not reacted or post.posted_at is None:
        return
    counts.judged += 1
    delay = (events[0].happened_at - post.posted_at).total_seconds()
    if events[0].origin is Origin.EVENT and delay > 0:
        counts.log_delays.append(float(np.log(delay)))
    added = [event for event in events if event.added]
    counts.clicks += len(added)
    counts.menu += sum(event.source is Source.MENU for event in added)
    counts.taken_back += not events[-1].added
    counts.slips += sum(_is_corrected_slip(events, place) for place in range(1, len(events) - 1))
    for event in added:
        tone = event.name.rpartition("skin-tone-")[2]
        if base_name(event.name) in {APPROVE, REJECT} and tone.isdigit():
            counts.tones[int(tone)] += 1


def _is_corrected_slip(events: Sequence[ReactionEvent], place: int) -> bool:
    """Return whether a reaction was added, removed here and replaced, all within seconds."""
    before, here, after = events[place - 1 : place + 2]
    return (
        before.added
        and not here.added
        and before.name == here.name
        and after.added
        and (after.happened_at - before.happened_at).total_seconds() <= _SLIP_SECONDS
    )


def _judge(
    counts: _Counts, post: Post, own: Sequence[Vote], others: Sequence[Vote], tags: TagSpace, rule: Aggregator
) -> None:
    """Compare a trainer's votes with the others' verdict."""
    if post.posted_at is None:
        return
    counts.unsure += any(vote.says is Says.UNSURE for vote in own)
    named = {vote.tag for vote in own if vote.tag is not None}
    verdict = rule.settle(post, others, ledger_cursor=0, now=post.posted_at)
    if verdict.outcome is not Outcome.NAMED or not own:
        return
    true = set(verdict.tags)
    blank = post.arm is Arm.BLANK
    if post.shown_tag not in true and post.arm is not Arm.BASIC:
        (counts.hidden_wrong if blank else counts.shown_wrong).count(post.shown_tag in named)
    if blank and named and len(true) == 1:  # here, the trainer isn't influenced
        (tag,) = true
        counts.known.count(tag in named)
        counts.known_by_tag[tag].count(tag in named)
        for wrong in named - true:
            counts.sibling.count(wrong in tags[tag].siblings)
    sure = {tag for tag, share in verdict.tags.items() if share >= _SURE}
    if blank and named & sure:
        counts.extra.hits += len(named & sure) - 1
        counts.extra.of += len(sure) - 1


def _shrunk(successes: float, observations: float, usual: float, weight: float = _PRIOR) -> float:
    """Return a share, shrunk to its usual value with the weight of this many observations."""
    return float(np.clip((successes + usual * weight) / (observations + weight), 0.0, 1.0))


def _trainer(name: str, counts: _Counts, usual: Mapping[str, float]) -> SimulatedTrainer:
    expertise = _recognized(counts.known.shrunk(_named_right(usual["expertise"], usual["doubt"])), usual["doubt"])
    chance = counts.hidden_wrong.shrunk(0.1 * (1.0 - expertise))  # of naming that wrong tag without being anchored
    led = (counts.shown_wrong.hits - counts.shown_wrong.of * chance) / (1.0 - chance)
    anchoring = _shrunk(led, counts.shown_wrong.of, usual["anchoring"])
    missed = counts.named_arm.hits * (1.0 - anchoring) * (1.0 - expertise)
    doubt = min(_shrunk(counts.unsure, missed, usual["doubt"]), _MOST_DOUBT)
    came = counts.named_arm.shrunk(0.5, 1.0)
    delays = counts.log_delays
    timed = len(delays) >= _FEWEST_DELAYS
    return SimulatedTrainer(
        name=name,
        kind=Kind.LAZY if anchoring >= _LAZY_FROM else Kind.HONEST,
        expertise=expertise,
        expertise_by_tag={
            tag: _recognized(share.shrunk(_named_right(expertise, doubt), usual["expertise_strength"]), doubt)
            for tag, share in sorted(counts.known_by_tag.items())
        },
        sibling_share=counts.sibling.shrunk(usual["sibling_share"]),
        doubt=doubt,
        effort=_shrunk(counts.blank.hits, counts.blank.of * came * (1.0 - (1.0 - expertise) * doubt), usual["effort"]),
        activity=tuple(share.shrunk(came, _HOUR_PRIOR) for share in counts.by_hour),
        delay_median=float(np.exp(np.median(delays))) if timed else usual["delay_median"],
        delay_spread=float(np.clip(np.std(delays), 0.0, 5.0)) if timed else usual["delay_spread"],
        anchoring=anchoring,
        herding=usual["herding"],
        extra_tags=_shrunk(counts.extra.hits, counts.extra.of * expertise, usual["extra_tags"]),
        slip=_shrunk(counts.slips / usual["notices"], counts.clicks, usual["slip"]),
        notices=usual["notices"],
        unreact=_shrunk(counts.taken_back, counts.judged, usual["unreact"]),
        menu=_shrunk(counts.menu, counts.clicks, usual["menu"]),
        skin_tone=counts.tones.most_common(1)[0][0] if counts.tones else None,
    )


def _named_right(expertise: float, doubt: float) -> float:
    """Return how often a named tag is right in the blank arm, where trainers in doubt name none."""
    return expertise / (1.0 - (1.0 - expertise) * doubt)


def _recognized(right: float, doubt: float) -> float:
    """Return the expertise for a given rate of right answers: the inverse of `_named_right`."""
    return right * (1.0 - doubt) / (1.0 - right * doubt)


def trainers_toml(trainers: Sequence[SimulatedTrainer], comment: str = "") -> str:
    """Return trainers as a TOML file for `--trainers`, which `load_trainers` reads; it starts with `comment`."""
    numbers = [item.name for item in fields(SimulatedTrainer) if item.name in {*SHARES, "delay_median", "delay_spread"}]
    lines = [f"# {line}" for line in comment.splitlines()]
    for trainer in trainers:
        lines += ["", "[[trainer]]", f"name = {json.dumps(trainer.name)}", f'kind = "{trainer.kind.value}"']
        lines += [f"{name} = {round(float(getattr(trainer, name)), 4)}" for name in numbers]
        lines.append(f"activity = [{', '.join(str(round(float(value), 4)) for value in trainer.activity)}]")
        lines += [f"skin_tone = {trainer.skin_tone}"] if trainer.skin_tone else []
        lines += [f"target = {json.dumps(trainer.target)}"] if trainer.target else []
        by_tag = (f"{json.dumps(tag)} = {round(float(value), 4)}" for tag, value in trainer.expertise_by_tag.items())
        lines.append(f"expertise_by_tag = {{ {', '.join(by_tag)} }}")
    return "\n".join(lines).lstrip("\n") + "\n"
