"""The anchor-aware fit, compared with a slow and plain one: one loop per sum, and every sum leaves its own post out."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pytest

from tests.support.votes import NOON
from tests.support.votes import post as a_post
from tierbot.domain.feedback.anchor_aware.aggregator import AnchorAware, Fitted
from tierbot.domain.feedback.anchor_aware.em import Strengths
from tierbot.domain.feedback.crowd.agreement import BetaPrior
from tierbot.domain.nouns import Arm, Post, Says, Vote

Tags = tuple[str, ...]
By = dict[Tags, float]


@dataclass(eq=False)
class Said:
    """A vote that says something, and what the fit has found out about it, by hypothesis."""

    post: Post
    user: str
    tag: str | None  # None: a rejection
    first: bool  # of this user on this post
    like: By
    unread: By
    knew: By

    @property
    def led(self) -> bool:
        return self.post.arm is not Arm.BLANK and self.tag == self.post.shown_tag


class Plain:
    """The fit of some posts."""

    def __init__(self, posts: Sequence[Post], votes: Mapping[str, Sequence[Vote]], tags: int, given: Strengths) -> None:
        self.posts, self.given = sorted(posts, key=lambda post: post.id), given
        names = {post.shown_tag for post in posts} | {v.tag for some in votes.values() for v in some if v.tag}
        self.names, self.many = sorted(names), max(tags, len(names) + 1)
        self.sets = {post.id: self.hypotheses(post, votes.get(post.id, ())) for post in self.posts}
        self.said = [one for post in self.posts for one in self.says(post, votes.get(post.id, ()))]
        self.spoken = {one.post.id for one in self.said}

    @staticmethod
    def candidates(post: Post, votes: Sequence[Vote]) -> list[str]:
        named = [vote.tag for vote in votes if vote.tag]
        ranked = sorted(set(named), key=lambda tag: (-named.count(tag), tag))
        if post.arm is Arm.BLANK:
            return ranked[:6]
        return [post.shown_tag, *[tag for tag in ranked if tag != post.shown_tag][:5]]

    def hypotheses(self, post: Post, votes: Sequence[Vote]) -> list[Tags]:
        likely = self.candidates(post, votes)
        return [(), *(one for size in (1, 2, 3) for one in combinations(likely, size))]

    def says(self, post: Post, votes: Sequence[Vote]) -> list[Said]:
        found: list[Said] = []
        for vote in sorted(votes, key=lambda vote: (vote.user, vote.says, vote.tag or "")):
            if vote.tag in self.candidates(post, votes) or (vote.says is Says.REJECTS and post.arm is not Arm.BLANK):
                first = vote.user not in {one.user for one in found}
                found.append(Said(post, vote.user, vote.tag, first, {}, {}, {}))
        return found

    def fit(self, iterations: int) -> Fitted:
        given = self.given
        self.expect(
            lambda _: given.competence.mean,
            lambda _: given.anchoring.mean,
            lambda one, _: 0.5 if one.tag is None else 1 / self.many,
            lambda *_: 1 / self.many,
            lambda _: given.shown_right.mean,
            given.sizes,
        )
        for _ in range(iterations):
            before = self.posterior
            self.learn()
            moved = [abs(self.posterior[p][h] - before[p][h]) for p in before for h in before[p]]
            if sum(moved) / len(moved) < 1e-4:
                break
        return self.result()

    # --- E ----------------------------------------------------------------------------------------

    def expect(
        self,
        competence: Callable[[Said], float],
        anchoring: Callable[[Said], float],
        noise: Callable[[Said, Tags], float],
        affinity: Callable[[Post, Tags], float],
        right: Callable[[Post], float],
        sizes: Sequence[float],
    ) -> None:
        for one in self.said:
            led = anchoring(one) if one.led else 0.0
            for h in self.sets[one.post.id]:
                true = one.post.shown_tag not in h if one.tag is None else one.tag in h
                known = competence(one) * true * (1 if one.tag is None else 1 / max(len(h), 1))
                honest = known + (1 - competence(one)) * noise(one, h)
                one.like[h] = led + (1 - led) * honest
                one.unread[h], one.knew[h] = led / one.like[h], known / honest
        self.prior = {
            post.id: self.log_prior(post, lambda h, post=post: affinity(post, h), right(post), sizes)
            for post in self.posts
        }
        self.evidence = {
            p: {h: sum(math.log(one.like[h]) for one in self.said if one.post.id == p) for h in self.sets[p]}
            for p in self.sets
        }
        self.posterior = {p: self.normal(p, 1.0) for p in self.sets}

    def normal(self, p: str, temperature: float) -> By:
        raised = {h: math.exp(self.prior[p][h] + self.evidence[p][h] / temperature) for h in self.sets[p]}
        return {h: one / sum(raised.values()) for h, one in raised.items()}

    def log_prior(self, post: Post, affinity: Callable[[Tags], float], right: float, sizes: Sequence[float]) -> By:
        many, sets = self.many, self.sets[post.id]
        unnamed = many - sum(len(h) == 1 for h in sets)
        weight = {h: sizes[max(len(h), 1) - 1] / math.comb(many, max(len(h), 1)) * (1 if h else unnamed) for h in sets}
        if post.arm is Arm.BLANK:
            return {h: math.log(one) for h, one in weight.items()}
        has = {h: post.shown_tag in h for h in sets}
        covered = sum(affinity(h) for h in sets if len(h) == 1 and not has[h])
        alike = {h: affinity(h) if h else max(1 - covered, 1e-12) / unnamed for h in sets}
        affine = {h: weight[h] * (1 if has[h] else alike[h]) for h in sets}
        total = {side: sum(one for h, one in affine.items() if has[h] == side) for side in (True, False)}
        return {h: math.log((right if has[h] else 1 - right) * affine[h] / total[has[h]]) for h in sets}

    # --- M ----------------------------------------------------------------------------------------

    def sums(self) -> None:
        """Sum over the hypotheses of each vote: known, clicked unread, and wrong."""
        self.known, self.clicked, self.wrong, self.wrong_at = {}, {}, {}, {}
        for one in self.said:
            joint = self.posterior[one.post.id]
            self.clicked[one] = sum(joint[h] * one.unread[h] for h in joint)
            self.known[one] = sum(joint[h] * (1 - one.unread[h]) * one.knew[h] for h in joint)
            named = one.tag is not None
            self.wrong_at[one] = {h: named * joint[h] * (1 - one.unread[h]) * (1 - one.knew[h]) for h in joint}
            self.wrong[one] = sum(self.wrong_at[one].values())

    def learn(self) -> None:
        self.sums()
        met = {one: float(one.first and one.post.arm is not Arm.BLANK) for one in self.said}
        judged = {one: 1 - self.clicked[one] for one in self.said}
        # (post, member, tag said): expected errors
        errors: defaultdict[tuple[str, str, str], float] = defaultdict(float)
        for one in self.said:
            for h in self.sets[one.post.id]:
                for member in h:
                    errors[one.post.id, member, one.tag or ""] += self.wrong_at[one][h] / len(h)
        noise, affinity = self.noise(errors), self.affinity(self.table(errors))
        right = {post.id: self.shown_right(post) for post in self.posts}
        common = self.given.sizes_posts
        sizes = [
            sum(self.posterior[p][h] for p in self.spoken for h in self.sets[p] if max(len(h), 1) == size)
            for size in (1, 2, 3)
        ]
        shares = [
            (n + share * common) / (sum(sizes) + common) for n, share in zip(sizes, self.given.sizes, strict=True)
        ]
        competence = {one: self.shrunk(one, self.known, judged, self.given.competence) for one in self.said}
        anchoring = {one: self.shrunk(one, self.clicked, met, self.given.anchoring) for one in self.said}
        self.expect(
            competence.__getitem__,
            anchoring.__getitem__,
            lambda one, h: noise[one, h],
            lambda post, h: affinity[post.id, h],
            lambda post: right[post.id],
            shares,
        )

    def elsewhere(self, here: Said, counts: Mapping[Said, float], *, same: Sequence[str] = ()) -> float:
        """Sum over the votes on other posts that have the same user or tag."""
        return sum(
            count
            for one, count in counts.items()
            if one.post is not here.post and all(getattr(one, name) == getattr(here, name) for name in same)
        )

    def shrunk(self, one: Said, yes: Mapping[Said, float], of: Mapping[Said, float], prior: BetaPrior) -> float:
        crowd = self.given.crowd
        mean = (self.elsewhere(one, yes) + prior.mean * crowd) / (self.elsewhere(one, of) + crowd)
        own, chances = (self.elsewhere(one, counts, same=["user"]) for counts in (yes, of))
        return (own + mean * prior.strength) / (chances + prior.strength)

    def noise(self, errors: Mapping[tuple[str, str, str], float]) -> dict[tuple[Said, Tags], float]:
        found = {}
        for one in self.said:
            overall = (self.elsewhere(one, self.wrong, same=["tag"]) + 1) / (
                self.elsewhere(one, self.wrong) + self.many
            )
            own = self.elsewhere(one, self.wrong, same=["user", "tag"])
            all_own = self.elsewhere(one, self.wrong, same=["user"])
            for h in self.sets[one.post.id]:
                crowd = overall
                if h:
                    others = {k: n for k, n in errors.items() if k[0] != one.post.id}
                    crowd = sum(
                        (
                            sum(n for k, n in others.items() if k[1:] == (member, one.tag))
                            + self.given.confusion * overall
                        )
                        / (sum(n for k, n in others.items() if k[1] == member) + self.given.confusion)
                        for member in h
                    ) / len(h)
                habit = self.given.habit
                found[one, h] = 0.5 if one.tag is None else (own + habit * crowd) / (all_own + habit)
        return found

    def table(self, errors: Mapping[tuple[str, str, str], float]) -> dict[tuple[str, str], float]:
        """Return P(saying a tag | error, truth), by truth and tag; the truths that nobody named have no names."""
        found, total, strength = {}, sum(self.wrong.values()), self.given.confusion
        truths = [*self.names, *(f"unnamed {number}" for number in range(self.many - len(self.names)))]
        for tag in self.names:
            anywhere = (sum(n for one, n in self.wrong.items() if one.tag == tag) + 1) / (total + self.many)
            for truth in truths:
                seen = sum(n for k, n in errors.items() if k[1:] == (truth, tag))
                every = sum(n for k, n in errors.items() if k[1] == truth)
                found[truth, tag] = (seen + strength * anywhere) / (every + strength)
        return found

    def affinity(self, table: Mapping[tuple[str, str], float]) -> dict[tuple[str, Tags], float]:
        mistaken: defaultdict[tuple[str, str, str], float] = defaultdict(float)  # by post, what it displays, and truth
        for post in self.posts:
            for h in self.sets[post.id]:
                for member in h if post.shown_tag not in h and post.id in self.spoken else ():
                    mistaken[post.id, post.shown_tag, member] += self.posterior[post.id][h] / len(h)
        found, strength = {}, self.given.confusion
        for post in self.posts:
            shown = post.shown_tag
            others = {k: n for k, n in mistaken.items() if k[0] != post.id and k[1] == shown}
            column = sum(n for (_, tag), n in table.items() if tag == shown)
            for h in self.sets[post.id]:
                found[post.id, h] = sum(
                    (
                        sum(n for k, n in others.items() if k[2] == member)
                        + strength * (table[member, shown] / column + 1 / self.many) / 2
                    )
                    / (sum(others.values()) + strength)
                    for member in h
                ) / max(len(h), 1)
        return found

    def shown_right(self, here: Post) -> float:
        prior = self.given.shown_right
        true = {
            post: sum(n for h, n in self.posterior[post.id].items() if post.shown_tag in h)
            for post in self.posts
            if post is not here and post.id in self.spoken
        }
        led = [n for post, n in true.items() if post.arm is not Arm.BLANK]
        free = [n for post, n in true.items() if post.arm is Arm.BLANK]
        kept = min(1, prior.strength / max(len(led), 1))
        displayed = (kept * sum(led) + prior.mean * prior.strength) / (kept * len(led) + prior.strength)
        return (sum(free) + displayed * prior.strength) / (len(free) + prior.strength)

    # --- the result -------------------------------------------------------------------------------

    def temperature(self) -> float:
        several = [one for one in self.said if sum(other.post is one.post for other in self.said) > 1]
        scores = {}
        for temperature in (1.0, 1.25, 1.5, 2.0, 3.0, 4.0):
            scores[temperature] = 0.0
            for one in several:
                p = one.post.id
                weight = {
                    h: math.exp(self.prior[p][h] + (self.evidence[p][h] - math.log(one.like[h])) / temperature)
                    for h in self.sets[p]
                }
                scores[temperature] += math.log(sum(weight[h] * one.like[h] for h in weight) / sum(weight.values()))
        return max(scores, key=lambda one: scores[one]) if several else 1.0

    def result(self) -> Fitted:
        temperature = self.temperature()
        self.warmth = temperature
        self.posterior = {p: self.normal(p, temperature) for p in self.sets}
        self.sums()
        return Fitted(
            self.posterior,
            {(one.post.id, one.user): 1 - self.clicked[one] for one in self.said if one.led},
            {},
            sum(self.shown_right(post) for post in self.posts) / len(self.posts),
        )

    def reliability(self, user: str, *, anchoring: bool) -> tuple[float, float, float]:
        """Return how often, of how many, and the mean."""
        prior = self.given.anchoring if anchoring else self.given.competence
        yes = self.clicked if anchoring else self.known
        of = {
            one: float(one.first and one.post.arm is not Arm.BLANK) if anchoring else 1 - self.clicked[one]
            for one in self.said
        }
        crowd = self.given.crowd
        mean = (sum(yes.values()) + prior.mean * crowd) / (sum(of.values()) + crowd)
        right, judged = (sum(n for one, n in counts.items() if one.user == user) for counts in (yes, of))
        return right, judged, (right + mean * prior.strength) / (judged + prior.strength)


def game(seed: int, posts: int = 14) -> tuple[list[Post], dict[str, list[Vote]]]:
    """Return a small game: some led, some rejecting or unsure, some naming two tags, and a post without votes."""
    rng = np.random.default_rng(seed)
    made, votes = [], {}
    for number in range(posts):
        true, shown = (f"t{tag}" for tag in rng.integers(0, 4, 2))
        shown = true if rng.random() < 0.5 else shown
        arm = Arm.BLANK if rng.random() < 0.3 else Arm.TIER
        post = replace(a_post(arm), id=f"p{number:02}", shown_tag=shown)
        given = []
        for user in "abcde" if number else "":
            if (draw := rng.random()) < 0.25 and arm is Arm.TIER:
                given.append(Vote(user, Says.NAMES, NOON, shown))
            elif draw < 0.75:
                given.append(Vote(user, Says.NAMES, NOON, true))
            elif draw < 0.85:
                given.append(Vote(user, Says.REJECTS if draw < 0.82 else Says.UNSURE, NOON))
            if rng.random() < 0.25:
                given.append(Vote(user, Says.NAMES, NOON, f"t{rng.integers(0, 5)}"))
        made.append(post)
        votes[post.id] = list({(vote.user, vote.says, vote.tag): vote for vote in given}.values())
    return made, votes


OTHERS = Strengths(
    competence=BetaPrior(0.6, 3.0),
    anchoring=BetaPrior(0.5, 2.0),
    crowd=5.0,
    shown_right=BetaPrior(0.4, 1.0),
    sizes=(0.5, 0.3, 0.2),
    sizes_posts=4.0,
    habit=2.0,
    confusion=3.0,
)


def compare(
    posts: list[Post], votes: Mapping[str, Sequence[Vote]], iterations: int, tags: int, given: Strengths
) -> float:
    """Fit both ways, and compare; return the temperature."""
    found = AnchorAware(tags=tags or None, iterations=iterations, strengths=given).fit(posts, votes)
    plain = Plain(posts, votes, tags, given)
    expected = plain.fit(iterations)
    assert found.posteriors == {
        p: {h: pytest.approx(n, abs=1e-9) for h, n in of.items()} for p, of in expected.posteriors.items()
    }
    assert found.honest == {place: pytest.approx(n, abs=1e-9) for place, n in expected.honest.items()}
    assert found.shown_right == pytest.approx(expected.shown_right)
    assert sorted(found.trainers) == sorted({vote.user for some in votes.values() for vote in some})
    for user, trainer in found.trainers.items():
        for estimate, anchoring in ((trainer.competence, False), (trainer.anchoring, True)):
            figures = estimate.right, estimate.judged, estimate.mean
            assert figures == pytest.approx(plain.reliability(user, anchoring=anchoring), abs=1e-9)
    return plain.warmth


@pytest.mark.parametrize("iterations", [0, 1, 2])
@pytest.mark.parametrize("given", [Strengths(), OTHERS], ids=["usual", "weak"])
@pytest.mark.parametrize("tags", [0, 20])
def test_the_fit_is_what_plain_loops_give(iterations: int, given: Strengths, tags: int) -> None:
    posts, votes = game(1)
    compare(posts, votes, iterations, tags, given)


def test_the_fit_ends_as_the_plain_one_does() -> None:
    posts, votes = game(2)
    compare(posts[::-1], votes, 60, 9, OTHERS)


def test_the_temperature_is_the_one_at_which_left_out_votes_are_predicted_best() -> None:
    small = [(game(seed, 3), iterations) for seed in (0, 1, 2, 5, 8) for iterations in (0, 1)]
    warmths = {compare(*one, iterations, 9, given) for one, iterations in small for given in (Strengths(), OTHERS)}
    assert warmths == {1.0, 1.25, 1.5, 2.0, 3.0, 4.0}


def test_where_every_tag_is_named_on_every_post_one_unnamed_tag_is_left() -> None:
    posts = [replace(a_post(arm), id=f"p{number}") for number, arm in enumerate([Arm.TIER, Arm.BLANK, Arm.TIER])]
    said = {"U1": "food", "U2": "law", "U3": "cars", "U4": "law"}
    votes = {one.id: [Vote(user, Says.NAMES, NOON, tag) for user, tag in said.items()] for one in posts}
    compare(posts, votes, 2, 0, Strengths())


def test_posts_with_one_voter_each_are_taken_as_they_are() -> None:
    posts, votes = game(3, 5)
    assert compare(posts, {p: some[:1] for p, some in votes.items()}, 3, 9, Strengths()) == 1.0


def test_of_many_tags_the_best_supported_may_be_true() -> None:
    for arm in (Arm.TIER, Arm.BLANK):
        post = replace(a_post(arm), shown_tag="t8")
        votes = [
            Vote(f"U{place}{tag}", Says.NAMES, NOON, f"t{tag}") for tag in range(9) for place in range(1 + tag % 3)
        ]
        compare([post], {post.id: votes}, 2, 12, Strengths())
        likely = {tag for tags in AnchorAware().fit([post], {post.id: votes}).posteriors[post.id] for tag in tags}
        assert likely == {"t2", "t5", "t8", "t1", "t4", "t7"}
