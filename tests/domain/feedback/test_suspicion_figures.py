"""The figures of each suspicion, compared with a slow plain count, and the bounds of what is reported."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from tests.support.votes import NOON, judged
from tests.support.votes import post as a_post
from tierbot.domain.feedback.suspicion import Behavior, Suspicion, Watch
from tierbot.domain.nouns import Arm, Origin, Post, ReactionEvent, Says, Vote

ALL = Watch(false_alarms=1.0)
"""Reports whatever was seen often enough."""

Seen = tuple[tuple[str, ...], str | None, str, bool]  # users, tag, post id, whether the behavior was seen


def asked(number: int, arm: Arm = Arm.TIER, shown: str = "shown") -> Post:
    return replace(a_post(arm), id=f"p{number:02}", ts=f"{number}.0", shown_tag=shown)


def named(user: str, *tags: str, at: datetime = NOON) -> list[Vote]:
    return [Vote(user, Says.NAMES, at, tag) for tag in tags]


def noise(seed: int) -> tuple[list[Post], dict[str, list[Vote]]]:
    """Return a crowd in which everybody errs as often."""
    rng = np.random.default_rng(seed)
    posts = [asked(number, Arm.BLANK) for number in range(80)]
    votes = {}
    for post in posts:
        true = rng.integers(0, 2)
        votes[post.id] = [
            one for user in "abcdef" for one in named(user, f"t{true if rng.random() < 0.6 else 1 - true}")
        ]
    return posts, votes


def crowd(seed: int) -> tuple[list[Post], dict[str, list[Vote]]]:
    """Return a small crowd: one clicks what is shown, two agree on what is wrong, one avoids a tag, the others err."""
    rng = np.random.default_rng(seed)
    posts, votes = [], {}
    for number in range(60):
        true, shown = (f"t{tag}" for tag in rng.integers(0, 4, 2))
        together = rng.random() < 0.6
        post = asked(number, Arm.BLANK if rng.random() < 0.3 else Arm.TIER, shown)
        given: list[Vote] = []
        for user in "abcdefgi":
            tag = true if rng.random() < 0.8 else f"t{rng.integers(0, 4)}"
            if user == "a" and rng.random() < 0.95:
                tag = shown
            elif user in "bc" and together:
                tag = "t3"
            elif user == "d" and tag == "t0":
                tag = "t1"
            given += named(user, tag, *([f"own {user}"] if rng.random() < 0.1 else []))
        given = [vote for vote in given if vote.user != "g" or number % 3] + [Vote("h", Says.REJECTS, NOON)]
        posts.append(post)
        votes[post.id] = given
    return posts, votes


def by_user(votes: Sequence[Vote]) -> dict[str, set[str]]:
    users = sorted({vote.user for vote in votes if vote.tag})
    return {user: {str(vote.tag) for vote in votes if vote.user == user and vote.tag} for user in users}


def agreed(post: Post, votes: Sequence[Vote], *without: str) -> str | None:
    others = [tags for user, tags in by_user(votes).items() if user not in without]
    for tag, count in Counter(tag for tags in others for tag in tags).items():
        if count >= 2 and count > len(others) / 2 and (post.arm is Arm.BLANK or tag != post.shown_tag):
            return tag
    return None


def chances(posts: Sequence[Post], votes: Mapping[str, Sequence[Vote]], behavior: Behavior) -> Iterator[Seen]:
    """Yield each time that a behavior could have been seen."""
    cases = []
    for post in posts:
        shown = None if post.arm is Arm.BLANK else post.shown_tag
        for size in (1, 2):
            for users in combinations(by_user(votes[post.id]), size):
                tag = agreed(post, votes[post.id], *users)
                if tag is not None:
                    cases.append((post.id, shown, users, tag, [by_user(votes[post.id])[user] for user in users]))
    pushed = {one for _, shown, users, tag, (mine, *_) in cases if len(users) == 1 for one in mine - {tag, shown}}
    for post_id, shown, users, tag, tags in cases:
        if len(users) == 2 and behavior is Behavior.BRIGADE:
            yield users, None, post_id, bool((tags[0] & tags[1]) - {tag, shown})
        elif len(users) == 1 and behavior is Behavior.FARMING and shown is not None:
            yield users, None, post_id, shown in tags[0]
        elif len(users) == 1 and behavior is Behavior.DENYING:
            yield users, tag, post_id, tag not in tags[0]
        elif len(users) == 1 and behavior is Behavior.PUSHING:
            yield from ((users, one, post_id, one in tags[0]) for one in pushed - {tag, shown})


def plain(posts: Sequence[Post], votes: Mapping[str, Sequence[Vote]], behavior: Behavior) -> list[Suspicion]:
    """Return all tests of a behavior with Holm's correction, by counting everyone else anew for each."""
    every = list(chances(posts, votes, behavior))
    found = []
    for users, tag in {(users, tag) for users, tag, _, _ in every}:
        mine = [(post_id, seen) for who, what, post_id, seen in every if (who, what) == (users, tag)]
        others = [(what, seen) for who, what, _, seen in every if not set(who) & set(users)]
        overall = (sum(seen for _, seen in others) + 0.5) / (len(others) + 1)
        same = [seen for what, seen in others if what == tag] if tag is not None else [seen for _, seen in others]
        rate = (sum(same) + 10 * overall) / (len(same) + 10)
        count = sum(seen for _, seen in mine)
        if count:
            p = float(stats.binom.sf(count - 1, len(mine), rate))
            ids = tuple(post_id for post_id, seen in mine if seen)
            found.append(Suspicion(behavior, users, count, rate * len(mine), len(mine), p, ids, "", tag))
    found.sort(key=lambda one: one.p_value)
    corrected, least = [], 0.0
    for place, one in enumerate(found):
        least = max(least, min(1.0, one.p_value * (len(found) - place)))
        corrected.append(replace(one, p_value=least))
    return [one for one in corrected if one.observed >= 5]


def figures(found: Sequence[Suspicion], behavior: Behavior) -> dict[object, tuple[object, ...]]:
    return {
        (one.users, one.tag): (
            one.observed,
            pytest.approx(one.expected),
            one.chances,
            pytest.approx(one.p_value),
            one.post_ids,
        )
        for one in found
        if one.behavior is behavior
    }


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("behavior", [Behavior.PUSHING, Behavior.DENYING, Behavior.FARMING])
def test_a_trainers_figures_are_those_of_a_slow_count_of_everyone_else(behavior: Behavior, seed: int) -> None:
    posts, votes = crowd(seed)
    expected = plain(posts, votes, behavior)
    if behavior is Behavior.FARMING:
        expected = [one for one in expected if one.observed >= 0.9 * one.chances]
    assert expected, "there is something to compare"
    assert figures(ALL.suspicions(posts, votes), behavior) == figures(expected, behavior)


@pytest.mark.parametrize("seed", range(2))
def test_a_pairs_figures_are_those_of_a_slow_count_of_everyone_else(seed: int) -> None:
    posts, votes = crowd(seed)
    pairs = plain(posts, votes, Behavior.BRIGADE)
    strongest = min(pairs, key=lambda one: (one.p_value, one.users))
    for limit in (strongest.p_value * (1 + 1e-9), 1.0):
        (brigade,) = [s for s in Watch(limit).suspicions(posts, votes) if s.behavior is Behavior.BRIGADE]
        joined = [pair for pair in pairs if pair.p_value <= limit]
        assert brigade.users == tuple(sorted({user for pair in joined for user in pair.users}))
        assert brigade.post_ids == tuple(sorted({post_id for pair in joined for post_id in pair.post_ids}))
        assert (brigade.observed, brigade.chances) == (strongest.observed, strongest.chances)
        assert (brigade.expected, brigade.p_value) == pytest.approx((strongest.expected, strongest.p_value))
        assert brigade.evidence.startswith(f"{strongest.users[0]} and {strongest.users[1]} named the same tag against")
    assert [s for s in Watch(strongest.p_value * 0.999).suspicions(posts, votes) if len(s.users) > 1] == []


def test_the_most_surprising_comes_first_and_then_they_go_by_behavior_user_and_tag() -> None:
    found = ALL.suspicions(*crowd(0))
    assert len({one.behavior for one in found}) == 4
    # Two who do the same with two tags, the later names first.
    posts, votes = [], {}
    for user, tag in (("b", "t2"), ("b", "t1"), ("a", "t2"), ("a", "t1")):
        for _ in range(6):
            posts.append(asked(len(posts)))
            others = [one for other in "abcd" if other != user for one in named(other, tag)]
            votes[posts[-1].id] = named(user, f"not {tag}") + others
    equal = ALL.suspicions(posts, votes)
    denials = [(one.users, one.tag) for one in equal if one.behavior is Behavior.DENYING]
    assert denials == [(("a",), "t1"), (("a",), "t2"), (("b",), "t1"), (("b",), "t2")]
    pushes = [(one.users, one.tag) for one in equal if one.behavior is Behavior.PUSHING]
    assert pushes == [(("a",), "not t1"), (("a",), "not t2"), (("b",), "not t1"), (("b",), "not t2")]
    hardly = ALL.suspicions(*noise(0))
    assert sum(one.p_value == 1 and one.behavior is Behavior.DENYING for one in hardly) > 3, "corrected, not surprising"
    for several in (found, equal, hardly):
        keys = [(one.p_value, one.behavior, one.users, one.tag or "") for one in several]
        assert keys == sorted(keys)


# --- the others' agreement ------------------------------------------------------------------------


def denied(votes: Sequence[Vote], arm: Arm = Arm.TIER, shown: str = "shown") -> dict[str | None, tuple[str, ...]]:
    """Return who is reported on five such posts, by tag, for not naming a tag that the others agree on."""
    posts = [asked(number, arm, shown) for number in range(5)]
    found = ALL.suspicions(posts, {post.id: list(votes) for post in posts})
    return {one.tag: one.users for one in found if one.behavior is Behavior.DENYING}


def test_two_others_contradict_somebody_and_one_does_not() -> None:
    mine = named("a", "mine")
    assert denied(mine + named("b", "theirs") + named("c", "theirs")) == {"theirs": ("a",)}
    assert denied(mine + named("b", "theirs")) == {}


def test_more_than_half_of_the_others_contradict_somebody_and_half_does_not() -> None:
    two = named("a", "mine") + named("b", "theirs") + named("c", "theirs") + named("d", "else")
    assert denied(two)["theirs"] == ("d",) or denied(two)["theirs"] == ("a",)
    assert denied(two + named("e", "third")) == {}


def test_the_tag_on_display_is_no_agreement_and_in_the_blank_arm_nothing_is_on_display() -> None:
    votes = named("a", "mine") + named("b", "shown") + named("c", "shown")
    assert denied(votes) == {}
    assert denied(votes, Arm.BLANK) == {"shown": ("a",)}


def test_who_names_nothing_neither_agrees_nor_counts_among_the_others() -> None:
    silent = [Vote(user, Says.REJECTS, NOON) for user in "xyz"]
    assert denied(named("a", "mine") + named("b", "theirs") + named("c", "theirs") + silent) == {"theirs": ("a",)}


def test_what_was_seen_four_times_is_not_reported_and_what_was_seen_five_times_is() -> None:
    votes = named("a", "mine") + named("b", "theirs") + named("c", "theirs")
    for count in (4, 5):
        posts = [asked(number) for number in range(count)]
        found = ALL.suspicions(posts, {post.id: votes for post in posts})
        assert {one.observed for one in found} == ({5} if count == 5 else set())


def test_the_evidence_is_a_sentence_with_the_figures() -> None:
    votes = named("a", "shown") + named("b", "theirs") + named("c", "theirs")
    posts = [asked(number) for number in range(6)]
    found = {one.behavior: one for one in ALL.suspicions(posts, {post.id: votes for post in posts})}
    farming, denying = found[Behavior.FARMING], found[Behavior.DENYING]
    usual = 6 * 0.5 / 1  # nobody else was contradicted
    assert (farming.users, farming.expected) == (("a",), usual)
    assert farming.evidence == (
        "clicked the shown tag on 6 of 6 posts where the others agreed on another; 3.0 is usual"
    )
    assert denying.evidence == "didn't name theirs on 6 of 6 posts where the others agreed on it; 3.0 is usual"
    votes = named("a", "mine") + named("b", "theirs") + named("c", "theirs")
    (pushing,) = (
        one for one in ALL.suspicions(posts, {post.id: votes for post in posts}) if one.behavior is Behavior.PUSHING
    )
    assert pushing.evidence == "named mine on 6 of 6 posts where the others agreed on another tag; 3.0 is usual"


def test_who_clicks_what_is_shown_nine_times_in_ten_is_reported_and_less_often_not() -> None:
    for clicked, reported in ((9, True), (8, False)):
        posts = [asked(number) for number in range(10)]
        votes = {
            post.id: named("b", "theirs") + named("c", "theirs") + named("a", "shown" if number < clicked else "theirs")
            for number, post in enumerate(posts)
        }
        found = [one for one in ALL.suspicions(posts, votes) if one.behavior is Behavior.FARMING]
        assert bool(found) == reported


# --- brigades -------------------------------------------------------------------------------------


def gang(*groups: str, minutes: Sequence[float] = (0, 4, 1)) -> tuple[list[Post], dict[str, list[Vote]]]:
    """Return posts on which each group names a wrong tag of its own, its members so many minutes after one another."""
    posts = [asked(number) for number in range(8)]
    votes: dict[str, list[Vote]] = {}
    for number, post in enumerate(posts):
        crowd = [one for user in "vwxyz" for one in named(user, "true")]
        for group in groups:
            apart = timedelta(minutes=minutes[number % len(minutes)])
            for place, user in enumerate(group):
                crowd += named(user, f"wrong {group}", at=NOON + place * apart)
        votes[post.id] = crowd
    return posts, votes


def brigades(posts: list[Post], votes: dict[str, list[Vote]]) -> list[Suspicion]:
    return [one for one in Watch(0.1).suspicions(posts, votes) if one.behavior is Behavior.BRIGADE]


def test_pairs_that_share_a_member_are_one_brigade_and_others_are_not() -> None:
    assert [one.users for one in brigades(*gang("abc"))] == [("a", "b", "c")]
    assert sorted(one.users for one in brigades(*gang("ab", "cd"))) == [("a", "b"), ("c", "d")]


def test_a_brigades_evidence_says_how_far_apart_its_votes_came() -> None:
    (pair,) = brigades(*gang("ab"))
    assert pair.evidence.endswith("; the group's votes came 1 min apart (median)"), "0, 4 and 1 in turn"
    assert pair.evidence.startswith("a and b named the same tag against all others on 8 of 8 posts; ")
    assert pair.post_ids == tuple(f"p{number:02}" for number in range(8))
    assert " is expected by chance; the group's" in pair.evidence
    (three,) = brigades(*gang("abc", minutes=[90]))
    assert "came 180 min apart" in three.evidence, "from the first to the last"


def test_what_counts_of_several_votes_is_the_first() -> None:
    posts, votes = gang("ab", minutes=[3])
    for given in votes.values():
        later = named("a", "later", "also later", at=NOON + timedelta(hours=9))
        given[:] = [later[0], *given, later[1]]
    (pair,) = brigades(posts, votes)
    assert "came 3 min apart" in pair.evidence


# --- haste ----------------------------------------------------------------------------------------


def one_by_one(*seconds: float, user: str = "U1") -> list[ReactionEvent]:
    """Return a reaction to one post after another, each so many seconds after the one before."""
    times = np.cumsum([0, *seconds])
    return [judged(user, number, NOON + timedelta(seconds=float(at))) for number, at in enumerate(times)]


def hasty(events: Sequence[ReactionEvent], watch: Watch | None = None) -> list[Suspicion]:
    return (watch or Watch()).suspicions([asked(number) for number in range(60)], {}, events)


def test_twenty_hasty_votes_are_reported_with_their_pace_and_nineteen_are_not() -> None:
    (found,) = hasty(one_by_one(*[1.0] * 20))
    ids = tuple(f"p{number:02}" for number in range(1, 21))
    said = "judged 20 of 21 posts within 1.0 s (median) of the one before"
    assert found == Suspicion(Behavior.FARMING, ("U1",), 20, 0.0, 21, 0.0, ids, said)
    assert hasty(one_by_one(*[1.0] * 19)) == []


def test_a_pause_of_a_second_and_a_half_is_long_enough_to_read() -> None:
    assert hasty(one_by_one(*[1.5] * 30)) == []
    (found,) = hasty(one_by_one(*[1.499] * 30))
    assert found.observed == 30


def test_hasty_votes_are_reported_if_they_are_half_of_all() -> None:
    assert len(hasty(one_by_one(*[1.0] * 20, *[60.0] * 19))) == 1
    assert hasty(one_by_one(*[1.0] * 20, *[60.0] * 20)) == []


def test_the_first_reaction_to_a_post_counts_whatever_order_they_come_in() -> None:
    events = one_by_one(*[1.0] * 20)
    later = [
        replace(one, event_id=f"{one.event_id} again", happened_at=NOON + timedelta(hours=n))
        for n, one in enumerate(events)
    ]
    assert hasty(events) == hasty([*events, *later]) == hasty([*later, *events[::-1]])


def test_a_reaction_that_was_taken_back_or_is_on_another_message_says_nothing_about_haste() -> None:
    events = one_by_one(*[1.0] * 20)
    assert hasty([replace(one, added=False) for one in events]) == []
    assert hasty([replace(one, ts=f"9{one.ts}") for one in events]) == []
    assert hasty([replace(one, channel="C9") for one in events]) == []
    assert hasty([replace(one, origin=Origin.RECONCILED) for one in events]) == []


def test_several_hasty_trainers_are_reported_in_order() -> None:
    events = one_by_one(*[1.0] * 20, user="U2") + one_by_one(*[1.0] * 25, user="U1")
    assert [one.users for one in hasty(events)] == [("U1",), ("U2",)]
    assert len(hasty(events, Watch(hurried=25))) == 1
