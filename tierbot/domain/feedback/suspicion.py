"""Detects trainers who game the score instead of judging: score farming, one-tag adversaries, brigades.

A suspicion is a report to admins, with evidence; it has no other effect (the anchor-aware aggregator already gives
such votes less weight). Each test compares a trainer with the consensus of the other voters on the same posts, unless
the consensus is the tag on display: that many people click it isn't evidence against someone who doesn't. Each family
of tests has Holm's correction (1979), so a large honest crowd raises no more false alarms than a small one.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations, pairwise
from statistics import median

from tierbot.domain.nouns import Arm, Origin, Post, ReactionEvent, Vote
from tierbot.domain.statistics import holm

_OTHERS = 2  # it takes at least two other voters to contradict someone
_SIGHTINGS = 5  # report nothing that was seen less often, however improbable
_ALWAYS = 0.9  # a trainer who follows the shown tag less often is anchored, not farming
_SHRINK = 10.0  # pseudo-observations with which a tag's rate is shrunk to the overall rate


class Behavior(StrEnum):
    """The behavior that a trainer is suspected of."""

    FARMING = "score_farming"  # clicks whatever is shown, or faster than anyone can read
    PUSHING = "pushes_tag"  # names one tag although the others agree on another
    DENYING = "denies_tag"  # never names one tag although the others agree on it
    BRIGADE = "brigade"  # several trainers repeatedly name the same tag against the others


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A suspicion: the behavior was observed in `observed` of `chances` cases; this crowd's norm is `expected`."""

    behavior: Behavior
    users: tuple[str, ...]
    observed: int
    expected: float
    chances: int
    p_value: float  # in [0, 1], corrected for the number of tests
    post_ids: tuple[str, ...]  # where it was seen
    evidence: str  # a sentence for the admins, with ids
    tag: str | None = None  # for one-tag behavior


@dataclass(frozen=True, slots=True)
class Watch:
    """When to report."""

    false_alarms: float = 0.01  # the probability of any false report of one behavior, over all trainers
    hurry: timedelta = timedelta(seconds=1.5)  # judging the next post sooner is faster than reading
    hurried: int = 20  # this many such votes are farming, if they are at least half of the trainer's votes

    def suspicions(
        self, posts: Iterable[Post], votes: Mapping[str, Iterable[Vote]], events: Iterable[ReactionEvent] = ()
    ) -> list[Suspicion]:
        """Return the suspicions from these posts' current votes (by post id) and events, most surprising first."""
        views = [_View(post, tuple(votes.get(post.id, ()))) for post in sorted(posts, key=lambda post: post.id)]
        compared = list(_compared(views))
        found = [
            *(s for s in self._significant(_clicks(compared)) if s.observed >= _ALWAYS * s.chances),
            *_hurrying(views, events, self.hurry, self.hurried),
            *self._significant(_pushes(compared)),
            *self._significant(_denials(compared)),
            *_brigades(self._significant(_together(views)), views),
        ]
        return sorted(found, key=lambda s: (s.p_value, s.behavior, s.users, s.tag or ""))

    def _significant(self, chances: "Iterable[_Chance]") -> list[Suspicion]:
        """Return the tests that are significant after Holm's correction, with the corrected p."""
        tests = sorted(_tested(chances), key=lambda test: (test.p_value, test.users, test.tag or ""))
        corrected = zip(tests, holm([test.p_value for test in tests]), strict=True)
        return [
            replace(test, p_value=p) for test, p in corrected if p <= self.false_alarms and test.observed >= _SIGHTINGS
        ]


@dataclass(frozen=True, slots=True)
class _Chance:
    behavior: Behavior
    users: tuple[str, ...]
    tag: str | None
    post_id: str
    seen: bool


class _View:
    """A post: who named what, and when each voter first voted."""

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
        """Return the tag that a majority of the others name, at least two of them, unless it's on display; or None."""
        support = self._support.copy()
        for user in without:
            support.subtract(self.named[user])
        others = sum(bool(named) for user, named in self.named.items() if user not in without)
        (tag, count), *_ = support.most_common(1) or [("", 0)]
        led = tag == self.on_display
        return tag if count >= _OTHERS and 2 * count > others and not led else None


# a post, one of its voters, the tags that they named, and the tag that the others agree on
_Comparison = tuple[_View, str, set[str], str]


def _compared(views: Iterable[_View]) -> Iterator[_Comparison]:
    for view in views:
        for user, named in view.named.items():
            if named and (agreed := view.consensus(user)) is not None:
                yield view, user, named, agreed


def _clicks(compared: Iterable[_Comparison]) -> Iterator[_Chance]:
    for view, user, named, _ in compared:
        if view.on_display is not None:
            yield _Chance(Behavior.FARMING, (user,), None, view.post.id, view.on_display in named)


def _pushes(compared: Sequence[_Comparison]) -> Iterator[_Chance]:
    """Test only tags that someone has named against a consensus: the others can't be surprising."""
    every = sorted({tag for view, _, named, agreed in compared for tag in named - {agreed, view.on_display}})
    for view, user, named, agreed in compared:
        for tag in every:
            if tag not in {agreed, view.on_display}:
                yield _Chance(Behavior.PUSHING, (user,), tag, view.post.id, tag in named)


def _denials(compared: Iterable[_Comparison]) -> Iterator[_Chance]:
    for view, user, named, agreed in compared:
        yield _Chance(Behavior.DENYING, (user,), agreed, view.post.id, agreed not in named)


def _together(views: Iterable[_View]) -> Iterator[_Chance]:
    for view in views:
        for pair in combinations([user for user, named in view.named.items() if named], 2):
            agreed = view.consensus(*pair)
            if agreed is not None:
                shared = (view.named[pair[0]] & view.named[pair[1]]) - {agreed, view.on_display}
                yield _Chance(Behavior.BRIGADE, pair, None, view.post.id, bool(shared))


def _tested(chances: Iterable[_Chance]) -> list[Suspicion]:
    """Return one binomial test per (users, tag), against everyone else's rate for that tag."""
    from scipy import special  # noqa: PLC0415 - slow to import, and not needed to show suspicions

    own: dict[tuple[tuple[str, ...], str | None], list[_Chance]] = defaultdict(list)
    for chance in chances:
        own[chance.users, chance.tag].append(chance)
    rates = _Rates(own)
    tests = []
    for (users, tag), given in own.items():
        observed, rate = sum(chance.seen for chance in given), rates.without(users, tag)
        if observed:
            # P(this many or more), the binomial's upper tail.
            p = float(special.betainc(observed, len(given) - observed + 1, rate))
            seen = tuple(chance.post_id for chance in given if chance.seen)
            expected = rate * len(given)
            said = _SENTENCE[given[0].behavior].format(observed, expected, len(given), tag)
            tests.append(Suspicion(given[0].behavior, users, observed, expected, len(given), p, seen, said, tag))
    return tests


_SENTENCE = {
    Behavior.FARMING: "clicked the shown tag on {0} of {2} posts where the others agreed on another; {1:.1f} is usual",
    Behavior.PUSHING: "named {3} on {0} of {2} posts where the others agreed on another tag; {1:.1f} is usual",
    Behavior.DENYING: "didn't name {3} on {0} of {2} posts where the others agreed on it; {1:.1f} is usual",
    Behavior.BRIGADE: "named the same tag against all others on {0} of {2} posts; {1:.1f} is expected by chance",
}
_TOTAL = ""  # over all tags


class _Rates:
    """How often a behavior is seen, by tag, without the people in question."""

    def __init__(self, own: Mapping[tuple[tuple[str, ...], str | None], Sequence[_Chance]]) -> None:
        # by user, by pair of users, and for everyone (None): counts by tag
        self._chances: dict[object, Counter[str | None]] = defaultdict(Counter)
        self._seen: dict[object, Counter[str | None]] = defaultdict(Counter)
        for (users, tag), given in own.items():
            for whose in (None, *users, *([users] if len(users) > 1 else [])):
                for which in (tag, _TOTAL):
                    self._chances[whose][which] += len(given)
                    self._seen[whose][which] += sum(chance.seen for chance in given)

    def without(self, users: tuple[str, ...], tag: str | None) -> float:
        """Return the rate in (0, 1) for this tag, shrunk to the rate over all tags, both without these people."""

        def others(counts: Mapping[object, Counter[str | None]], which: str | None) -> int:
            # a pair's shared posts are subtracted twice, and so added once
            return counts[None][which] - sum(counts[user][which] for user in users) + counts[users][which]

        overall = (others(self._seen, _TOTAL) + 0.5) / (others(self._chances, _TOTAL) + 1.0)
        return (others(self._seen, tag) + _SHRINK * overall) / (others(self._chances, tag) + _SHRINK)


def _hurrying(
    views: Iterable[_View], events: Iterable[ReactionEvent], hurry: timedelta, enough: int
) -> list[Suspicion]:
    """Return the trainers who judge post after post faster than anyone can read; this needs no test."""
    post_at = {(view.post.channel, view.post.ts): view.post.id for view in views}
    when: dict[str, dict[str, datetime]] = defaultdict(dict)
    for event in events:
        post_id = post_at.get((event.channel, event.ts))
        # a reconciled reaction has the time of the reconciliation
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
    """Join suspicious pairs that share a member into brigades, which get the figures of the strongest pair."""
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
        found.append(replace(lead, users=tuple(sorted(group)), post_ids=posts, evidence=said))
    return found
