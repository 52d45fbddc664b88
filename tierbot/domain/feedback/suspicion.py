"""Noticing who plays the game instead of judging: score-farming, one-tag adversaries, brigades.

A suspicion is a report to admins with its evidence; nothing is done to anybody here (the learned aggregator
gives such votes less weight by itself). Each test compares a trainer with what the other voters on the very same
posts agree on, and only where they were not led to it: that many click what is on display proves nothing against
the one who does not. Each family of tests is corrected for its number (Holm 1979), so that a large honest crowd
raises no more alarms than a small one.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations, pairwise
from statistics import median

from tierbot.domain.nouns import Arm, Origin, Post, ReactionEvent, Vote

# Two others who agree are the least that can contradict somebody.
_OTHERS = 2
# Once is chance, twice is coincidence: fewer sightings than this are not reported, whatever their probability.
_SIGHTINGS = 5
# Who follows the display less often than this is led by it, which learned.py allows for, and is not farming.
_ALWAYS = 0.9
# How many chances at the crowd's overall rate a single tag's rate is shrunk with.
_SHRINK = 10.0


class Behavior(StrEnum):
    """What somebody is suspected of."""

    FARMING = "score_farming"  # clicks what is shown, or faster than anyone reads
    PUSHING = "pushes_tag"  # names one tag where the others agree on another
    DENYING = "denies_tag"  # does not name one tag where the others agree on it
    BRIGADE = "brigade"  # several name the same tag against the others, again and again


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What was seen: `observed` of `chances` times, where `expected` times would be usual in this crowd.

    p_value: in [0, 1], corrected for the number of tests. post_ids: where it was seen. `tag`: of one-tag behavior.
    evidence: one sentence for the admins, ids in it.
    """

    behavior: Behavior
    users: tuple[str, ...]
    observed: int
    expected: float
    chances: int
    p_value: float
    post_ids: tuple[str, ...]
    evidence: str
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """When to speak up.

    false_alarms: the chance of any wrongful report of one behavior, over all trainers. hurry: judging the next
    post sooner than this is faster than reading; `hurried` such judgements are farming if they are at least half
    of all that the trainer gave.
    """

    false_alarms: float = 0.01
    hurry: timedelta = timedelta(seconds=1.5)
    hurried: int = 20

    def suspicions(
        self,
        posts: Iterable[Post],
        votes: Mapping[str, Iterable[Vote]],
        events: Iterable[ReactionEvent] = (),
    ) -> list[Suspicion]:
        """Return what is suspicious in the votes that stand on these posts (by post id), most surprising first.

        `events` are those posts' reactions, for their pace; only such as arrived when they happened tell it.
        """
        views = [_View(post, tuple(votes.get(post.id, ()))) for post in sorted(posts, key=lambda post: post.id)]
        found = [
            *(s for s in self._kept(_tested(_clicks(views))) if s.observed >= _ALWAYS * s.chances),
            *_hurrying(views, events, self.hurry, self.hurried),
            *self._kept(_tested(_pushes(views))),
            *self._kept(_tested(_denials(views))),
            *_brigades(self._kept(_tested(_together(views))), views),
        ]
        return sorted(found, key=lambda s: (s.p_value, s.behavior, s.users, s.tag or ""))

    def _kept(self, tests: "list[Suspicion]") -> list[Suspicion]:
        """Return the tests that stay surprising after Holm's correction, with their corrected p."""
        kept, corrected = [], 0.0
        for rank, test in enumerate(sorted(tests, key=lambda test: (test.p_value, test.users, test.tag or ""))):
            corrected = max(corrected, min(1.0, test.p_value * (len(tests) - rank)))
            if corrected > self.false_alarms:
                break
            if test.observed >= _SIGHTINGS:
                kept.append(replace(test, p_value=corrected))
        return kept


@dataclass(frozen=True, slots=True)
class _Chance:
    """One occasion on which a behavior could show."""

    behavior: Behavior
    users: tuple[str, ...]
    tag: str | None
    post_id: str
    seen: bool


class _View:
    """A post: who named what, and when each voter first spoke."""

    def __init__(self, post: Post, votes: Sequence[Vote]) -> None:
        self.post = post
        self.on_display = None if post.arm is Arm.BLANK else post.shown_tag
        self.named: dict[str, set[str]] = {user: set() for user in sorted({vote.user for vote in votes})}
        self.first: dict[str, datetime] = {}
        for vote in votes:
            self.first[vote.user] = min(vote.at, self.first.get(vote.user, vote.at))
            if vote.tag is not None:
                self.named[vote.user].add(vote.tag)
        self._support = Counter(tag for named in self.named.values() for tag in named)

    def consensus(self, *without: str) -> str | None:
        """Return the one tag that most of the others name, at least two, and were not led to; None if there is none."""
        support = self._support.copy()
        for user in without:
            support.subtract(self.named[user])
        others = sum(bool(named) for user, named in self.named.items() if user not in without)
        (tag, count), *_ = support.most_common(1) or [("", 0)]
        led = tag == self.on_display
        return tag if count >= _OTHERS and 2 * count > others and not led else None


def _clicks(views: Iterable[_View]) -> Iterator[_Chance]:
    for view in views:
        if view.on_display is not None:
            for user, named in view.named.items():
                if named and view.consensus(user) is not None:
                    yield _Chance(Behavior.FARMING, (user,), None, view.post.id, view.on_display in named)


def _pushes(views: Sequence[_View]) -> Iterator[_Chance]:
    """Only tags that the trainer ever named against a consensus are tested: the others cannot surprise."""
    dissents = [
        (view, user, named, agreed)
        for view in views
        for user, named in view.named.items()
        if named and (agreed := view.consensus(user)) is not None
    ]
    tried: dict[str, set[str]] = defaultdict(set)
    for view, user, named, agreed in dissents:
        tried[user] |= named - {agreed, view.on_display}
    every = sorted(set().union(*tried.values()))
    for view, user, named, agreed in dissents:
        for tag in every:
            if tag not in {agreed, view.on_display}:
                yield _Chance(Behavior.PUSHING, (user,), tag, view.post.id, tag in named)


def _denials(views: Iterable[_View]) -> Iterator[_Chance]:
    for view in views:
        for user, named in view.named.items():
            agreed = view.consensus(user) if named else None
            if agreed is not None:
                yield _Chance(Behavior.DENYING, (user,), agreed, view.post.id, agreed not in named)


def _together(views: Iterable[_View]) -> Iterator[_Chance]:
    for view in views:
        for pair in combinations([user for user, named in view.named.items() if named], 2):
            agreed = view.consensus(*pair)
            if agreed is not None:
                shared = (view.named[pair[0]] & view.named[pair[1]]) - {agreed, view.on_display}
                yield _Chance(Behavior.BRIGADE, pair, None, view.post.id, bool(shared))


def _tested(chances: Iterable[_Chance]) -> list[Suspicion]:
    """Return one binomial test per (users, tag) against the rate of everybody else's chances at that tag."""
    from scipy import special  # noqa: PLC0415 - slow to import; who only shows suspicions tests nothing

    own: dict[tuple[tuple[str, ...], str | None], list[_Chance]] = defaultdict(list)
    for chance in chances:
        own[chance.users, chance.tag].append(chance)
    rates = _Rates(own)
    tests = []
    for (users, tag), given in own.items():
        observed, rate = sum(chance.seen for chance in given), rates.without(users, tag)
        if observed:
            # P(so many or more), the binomial's upper tail.
            p = float(special.betainc(observed, len(given) - observed + 1, rate))
            seen = tuple(chance.post_id for chance in given if chance.seen)
            expected = rate * len(given)
            said = _SENTENCE[given[0].behavior].format(observed, expected, len(given), tag)
            tests.append(Suspicion(given[0].behavior, users, observed, expected, len(given), p, seen, said, tag))
    return tests


_SENTENCE = {
    Behavior.FARMING: "clicked the shown tag on {0} of {2} posts where the others agreed on another; {1:.1f} is usual",
    Behavior.PUSHING: "named {3} on {0} of {2} posts where the others agreed on another tag; {1:.1f} is usual",
    Behavior.DENYING: "did not name {3} on {0} of {2} posts where the others agreed on it; {1:.1f} is usual",
    Behavior.BRIGADE: "named the same tag against all others on {0} of {2} posts; {1:.1f} would be chance",
}


class _Rates:
    """How often a behavior shows, by tag, without the people in question."""

    def __init__(self, own: Mapping[tuple[tuple[str, ...], str | None], Sequence[_Chance]]) -> None:
        self._all: Counter[str | None] = Counter()
        self._seen: Counter[str | None] = Counter()
        # By user: everything she had a part in, so that it can be left out.
        self._part: dict[str, Counter[str | None]] = defaultdict(Counter)
        self._part_seen: dict[str, Counter[str | None]] = defaultdict(Counter)
        self._pair: dict[tuple[str, ...], tuple[int, int]] = {}
        for (users, tag), given in own.items():
            seen = sum(chance.seen for chance in given)
            self._all[tag] += len(given)
            self._seen[tag] += seen
            for user in users:
                self._part[user][tag] += len(given)
                self._part_seen[user][tag] += seen
            if len(users) > 1:
                self._pair[users] = len(given), seen
        self._tags = list(self._all)
        self._total, self._total_seen = self._all.total(), self._seen.total()

    def without(self, users: tuple[str, ...], tag: str | None) -> float:
        """Return the rate in (0, 1) at this tag, shrunk to the rate over all tags, both without these people."""
        both, both_seen = self._pair.get(users, (0, 0)) if len(users) > 1 else (0, 0)
        parts, parts_seen = ([part[user] for user in users] for part in (self._part, self._part_seen))
        every = self._total - sum(part.total() for part in parts) + both
        every_seen = self._total_seen - sum(part.total() for part in parts_seen) + both_seen
        overall = (every_seen + 0.5) / (every + 1.0)
        here = self._all[tag] - sum(part[tag] for part in parts) + both
        here_seen = self._seen[tag] - sum(part[tag] for part in parts_seen) + both_seen
        return (here_seen + _SHRINK * overall) / (here + _SHRINK)


def _hurrying(
    views: Iterable[_View], events: Iterable[ReactionEvent], hurry: timedelta, enough: int
) -> list[Suspicion]:
    """Return who judges post after post faster than reading takes. No test: nobody reads that fast by chance.

    Reactions that reconciliation found are left out: they bear the time of the finding, one post after another.
    """
    post_at = {(view.post.channel, view.post.ts): view.post.id for view in views}
    when: dict[str, dict[str, datetime]] = defaultdict(dict)
    for event in events:
        post_id = post_at.get((event.channel, event.ts))
        if event.added and event.origin is Origin.EVENT and post_id is not None:
            when[event.user][post_id] = min(event.happened_at, when[event.user].get(post_id, event.happened_at))
    found = []
    for user, first in sorted(when.items()):
        given = sorted((at, post_id) for post_id, at in first.items())
        gaps = [(later[0] - sooner[0], later[1]) for sooner, later in pairwise(given)]
        hasty = [(gap, post_id) for gap, post_id in gaps if gap < hurry]
        if len(hasty) >= enough and 2 * len(hasty) >= len(given):
            pace = median(gap.total_seconds() for gap, _ in hasty)
            said = f"judged {len(hasty)} of {len(given)} posts within {pace:.1f} s (median) of the one before"
            ids = tuple(post_id for _, post_id in hasty)
            found.append(Suspicion(Behavior.FARMING, (user,), len(hasty), 0.0, len(given), 0.0, ids, said))
    return found


def _brigades(pairs: Sequence[Suspicion], views: Iterable[_View]) -> list[Suspicion]:
    """Join suspicious pairs that share a member into brigades; the strongest pair's numbers speak for all."""
    groups: list[set[str]] = []
    for pair in pairs:
        touching = [group for group in groups if group & set(pair.users)]
        groups = [group for group in groups if group not in touching] + [set(pair.users).union(*touching)]
    by_id = {view.post.id: view for view in views}
    found = []
    for group in groups:
        members = [pair for pair in pairs if set(pair.users) <= group]
        lead = min(members, key=lambda pair: (pair.p_value, pair.users))
        posts = tuple(sorted({post_id for pair in members for post_id in pair.post_ids}))
        spans = [
            max(times) - min(times)
            for post_id in posts
            if len(times := [at for user, at in by_id[post_id].first.items() if user in group]) > 1
        ]
        apart = median(span.total_seconds() for span in spans) / 60
        said = f"{' and '.join(lead.users)} {lead.evidence}; the group's votes came {apart:.0f} min apart (median)"
        found.append(
            Suspicion(
                Behavior.BRIGADE,
                tuple(sorted(group)),
                lead.observed,
                lead.expected,
                lead.chances,
                lead.p_value,
                posts,
                said,
            )
        )
    return found
