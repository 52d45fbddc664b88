"""Fits the model of aggregator.py by expectation maximization: competence, anchoring, and the true tags."""

from dataclasses import dataclass, field, replace

import numpy as np

from tierbot.domain.feedback.anchor_aware.encoding import MOST_TRUE, Encoded
from tierbot.domain.feedback.crowd.agreement import BetaPrior, Reliability
from tierbot.domain.feedback.crowd.table import Floats, Ints

_TEMPERATURES = (1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
_TINY = 1e-12
_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Strengths:
    """The priors; every strength is in observations. A trainer's own estimate shrinks to the crowd's."""

    competence: BetaPrior = field(default_factory=lambda: BetaPrior(0.8, 8.0))  # the crowd's mean, a trainer's strength
    anchoring: BetaPrior = field(default_factory=lambda: BetaPrior(0.3, 8.0))
    crowd: float = 40.0  # the strength with which the crowd's estimate shrinks to the prior mean
    shown_right: BetaPrior = field(default_factory=lambda: BetaPrior(0.7, 10.0))  # how often the tag on display is true
    sizes: tuple[float, float, float] = (0.85, 0.13, 0.02)  # how common one, two and three true tags are
    sizes_posts: float = 50.0  # the number of posts that this prior is worth
    habit: float = 20.0  # the strength with which a trainer's errors shrink to the crowd's
    confusion: float = 20.0  # the strength with which the crowd's errors for one truth shrink to its errors overall


@dataclass(frozen=True, eq=False)
class Estimates:
    """The result."""

    posterior: Floats  # (hypotheses,)
    unread: Floats  # (said,), P(clicked without reading), 0 unless on display
    competence: list[Reliability]  # of each user
    anchoring: list[Reliability]
    shown_right: float


class _Apart:
    """Sums over all posts but one: otherwise, twelve voters on one post would show that eight of them were anchored."""

    def __init__(self, post: Ints, *keys: Ints) -> None:
        """Group rows by `keys`, and each group once more by post; all of shape (rows,)."""
        self._whole, self._part = _grouped(*keys), _grouped(*keys, post)

    def others(self, values: Floats) -> Floats:
        """Return, for each row, the sum over its group's rows from other posts."""
        whole, part = np.bincount(self._whole, values), np.bincount(self._part, values)
        return np.asarray(np.maximum(whole[self._whole] - part[self._part], 0.0))


@dataclass(eq=False)
class _Parameters:
    """The parameters of each vote and hypothesis, estimated from the other posts."""

    competence: Floats  # (said,)
    anchoring: Floats  # (said,)
    noise: Floats  # (pairs,), P(saying this | erring, hypothesis)
    affinity: Floats  # (hypotheses,), P(a member is true | what is on display is not)
    shown_right: Floats  # (posts,)
    sizes: Floats  # (3,)


@dataclass(frozen=True, eq=False)
class _Expected:
    """The E-step's result for each hypothesis. likelihood, unread, knew: (pairs,); evidence, prior: logs."""

    likelihood: Floats  # P(saying this)
    unread: Floats  # P(clicked unread | said this)
    knew: Floats  # P(knew | said this, judged)
    prior: Floats  # (hypotheses,)
    evidence: Floats  # (hypotheses,)
    posterior: Floats  # (hypotheses,)


def estimate(data: Encoded, strengths: Strengths, iterations: int) -> Estimates:
    """Fit by EM, starting from the priors. Deterministic; blank and other posts share all parameters."""
    model = _Model(data, strengths)
    expected = model.expect(model.start())
    for _ in range(iterations):
        before, expected = expected.posterior, model.expect(model.learn(expected))
        if np.abs(expected.posterior - before).mean() < _TOLERANCE:
            break
    return model.result(expected)


class _Model:
    def __init__(self, data: Encoded, strengths: Strengths) -> None:
        self.data, self.strengths = data, strengths
        said, at = data.pair_said, data.pair_hypothesis
        self.saids, self.post_of = len(data.said_post), data.hypothesis_post
        self.rejects, self.shown = data.said_tag < 0, data.said_shown.astype(bool)
        self.tag = np.where(self.rejects, 0, data.said_tag)
        self.right = data.pair_right.astype(float)
        # Of several true tags, a vote names one; a rejection doesn't choose among them.
        self.pick = np.where(self.rejects[said], 1.0, 1.0 / data.size[at])
        self.has = data.has_shown.astype(bool)
        self.spoken = np.bincount(data.said_post, minlength=len(data.sets)) > 0
        post, user = data.said_post, data.said_user
        # How often each trainer saw a tag on display, which they could click without reading.
        _, first = np.unique(_grouped(post, user), return_index=True)
        self.met = np.zeros(self.saids)
        self.met[first] = data.post_shows[post[first]]
        nobody = np.zeros(self.saids, dtype=np.intp)
        self.by_user, self.by_all = _Apart(post, user), _Apart(post, nobody)
        self.by_tag, self.by_habit = _Apart(post, self.tag), _Apart(post, user, self.tag)
        # Each pair, once per member of its hypothesis, to count confusions.
        members = data.members[at]
        self.pair, column = np.nonzero(members < data.tags)
        self.true = members[self.pair, column]
        pair_post = post[said][self.pair]
        self.by_truth = _Apart(pair_post, self.true)
        self.by_confusion = _Apart(pair_post, self.true, self.tag[said][self.pair])
        # Each hypothesis, once per member, to count what the displayed tag is mistaken for.
        self.hypothesis, column = np.nonzero(data.members < data.tags)
        self.member = data.members[self.hypothesis, column]
        its_post = self.post_of[self.hypothesis]
        self.display = data.post_shown_tag[its_post]
        self.by_display = _Apart(its_post, self.display)
        self.by_mistake = _Apart(its_post, self.display, self.member)

    def start(self) -> _Parameters:
        data, strengths = self.data, self.strengths
        return _Parameters(
            competence=np.full(self.saids, strengths.competence.mean),
            anchoring=np.full(self.saids, strengths.anchoring.mean),
            noise=np.where(self.rejects[data.pair_said], 0.5, 1.0 / data.tags),
            affinity=np.full(len(data.size), 1.0 / data.tags),
            shown_right=np.full(len(data.sets), strengths.shown_right.mean),
            sizes=np.array(strengths.sizes),
        )

    def expect(self, now: _Parameters) -> _Expected:
        """E-step: the likelihood of each vote under each hypothesis."""
        data, said = self.data, self.data.pair_said
        competence, anchoring = now.competence[said], np.where(self.shown, now.anchoring, 0.0)[said]
        known = competence * self.right * self.pick
        honest = np.maximum(known + (1 - competence) * now.noise, _TINY)
        likelihood = anchoring + (1 - anchoring) * honest
        evidence = _summed(data.pair_hypothesis, np.log(likelihood), len(data.size))
        prior = self._prior(now)
        posterior = data.normalized(prior + evidence)
        return _Expected(likelihood, anchoring / likelihood, known / honest, prior, evidence, posterior)

    def _prior(self, now: _Parameters) -> Floats:
        """Return the log prior of each hypothesis: uniform for each size; the displayed tag is true at its rate."""
        data = self.data
        tags, size = data.tags, data.size
        ways = np.array([tags, tags * (tags - 1) / 2, tags * (tags - 1) * max(tags - 2, 1) / 6])
        weight = (now.sizes / ways)[size - 1]
        single, another = size == 1, data.members[:, 0] == tags
        listed = data.per_post(single.astype(float))[self.post_of] - 1  # candidates of the post
        weight = np.where(another, weight * np.maximum(tags - listed, 1.0), weight)
        # A displayed tag is true at its rate; if it isn't, the tags it is mistaken for are likelier than the rest.
        affinity = now.affinity
        covered = data.per_post(np.where(single & ~self.has & ~another, affinity, 0.0))[self.post_of]
        affinity = np.where(another, np.maximum(1 - covered, _TINY) / np.maximum(tags - listed, 1.0), affinity)
        affine = weight * np.where(self.has, 1.0, affinity)
        side = data.per_post(np.where(self.has, affine, 0.0))[self.post_of]
        other = data.per_post(np.where(self.has, 0.0, affine))[self.post_of]
        right = now.shown_right[self.post_of]
        rate = np.where(self.has, right / np.maximum(side, _TINY), (1 - right) / other)
        shows = data.post_shows[self.post_of].astype(bool)
        return np.asarray(np.log(np.where(shows, rate * affine, weight)))

    def learn(self, expected: _Expected) -> _Parameters:
        """M-step: each estimate shrinks to the crowd's, and the crowd's to the prior."""
        knew, judged, unread = self._said(expected)
        joint = expected.posterior[self.data.pair_hypothesis]
        wrong = np.where(self.rejects[self.data.pair_said], 0.0, joint * (1 - expected.unread) * (1 - expected.knew))
        confusion, noise = self._noise(wrong)
        return _Parameters(
            competence=self._shrunk(knew, judged, self.strengths.competence),
            anchoring=self._shrunk(unread, self.met, self.strengths.anchoring),
            noise=noise,
            affinity=self._affinity(expected.posterior, confusion),
            shown_right=self._shown_right(expected.posterior),
            sizes=self._sizes(expected.posterior),
        )

    def _said(self, expected: _Expected) -> tuple[Floats, Floats, Floats]:
        """Return, for each vote, the probabilities that it was known, considered, and clicked unread, each (said,)."""
        joint = expected.posterior[self.data.pair_hypothesis]
        unread = _summed(self.data.pair_said, joint * expected.unread, self.saids)
        knew = _summed(self.data.pair_said, joint * (1 - expected.unread) * expected.knew, self.saids)
        return knew, 1 - unread, unread

    def _shrunk(self, yes: Floats, of: Floats, prior: BetaPrior) -> Floats:
        """Return each voter's share of yes, (said,), shrunk to the crowd's, which shrinks to the prior's."""
        crowd = self.strengths.crowd
        mean = (self.by_all.others(yes) + prior.mean * crowd) / (self.by_all.others(of) + crowd)
        own, chances = self.by_user.others(yes), self.by_user.others(of)
        return np.asarray((own + mean * prior.strength) / (chances + prior.strength))

    def _noise(self, wrong: Floats) -> tuple[Floats, Floats]:
        """Return the crowd's confusions, (tags, tags), and P(saying this | error, hypothesis), (pairs,).

        The confusions are the tags named in error, by true tag; a trainer's errors shrink to them. If the truth is a
        tag that nobody named, errors are the crowd's overall. For a rejection, the probability of an error is 1/2.
        """
        data, said, tags = self.data, self.data.pair_said, self.data.tags
        by_said = _summed(said, wrong, self.saids)
        overall = (self.by_tag.others(by_said) + 1.0) / (self.by_all.others(by_said) + tags)
        share = (wrong / data.size[data.pair_hypothesis])[self.pair]
        strength = self.strengths.confusion
        seen = self.by_confusion.others(share) + strength * overall[said][self.pair]
        at_truth = seen / (self.by_truth.others(share) + strength)
        crowd = _summed(self.pair, at_truth, len(said)) / data.size[data.pair_hypothesis]
        crowd = np.where(data.members[data.pair_hypothesis, 0] == tags, overall[said], crowd)
        habit = self.strengths.habit
        own = self.by_habit.others(by_said)[said]
        noise = (own + habit * crowd) / (self.by_user.others(by_said)[said] + habit)
        table = np.zeros((tags, tags))
        np.add.at(table, (self.true, self.tag[said][self.pair]), share)
        everywhere = (np.bincount(self.tag, by_said, tags) + 1.0) / (by_said.sum() + tags)
        table = (table + strength * everywhere) / (table.sum(axis=1, keepdims=True) + strength)
        return table, np.where(self.rejects[said], 0.5, noise)

    def _affinity(self, posterior: Floats, confusion: Floats) -> Floats:
        """Return P(a member is true | the tag on display isn't), (hypotheses,), counted over the other posts."""
        data = self.data
        weight = (posterior * ~self.has * self.spoken[self.post_of] / data.size)[self.hypothesis]
        people = confusion[self.member, self.display] / confusion.sum(axis=0)[self.display]
        prior = (people + 1.0 / data.tags) / 2
        strength = self.strengths.confusion
        chance = (self.by_mistake.others(weight) + strength * prior) / (self.by_display.others(weight) + strength)
        return _summed(self.hypothesis, chance, len(data.size)) / data.size

    def _shown_right(self, posterior: Floats) -> Floats:
        """Return how often the classifier's tag is true, (posts,), counted over the other posts.

        Blank posts count in full. The others, however many, count no more than the prior, because there a tag that
        attracts clicks looks like a true one.
        """
        data, prior = self.data, self.strengths.shown_right
        true = data.per_post(posterior * data.has_shown)
        shows = data.post_shows.astype(bool)
        led, blank = self.spoken & shows, self.spoken & ~shows
        others = led.sum() - led
        kept = np.minimum(1.0, prior.strength / np.maximum(others, 1.0))
        displayed = (kept * (true @ led - true * led) + prior.mean * prior.strength) / (kept * others + prior.strength)
        counted = true @ blank - true * blank + displayed * prior.strength
        return np.asarray(counted / (blank.sum() - blank + prior.strength))

    def _sizes(self, posterior: Floats) -> Floats:
        """Return how common one, two and three true tags are, (3,)."""
        spoken = self.spoken[self.post_of]
        counts = np.bincount(self.data.size - 1, posterior * spoken, MOST_TRUE)
        prior = np.array(self.strengths.sizes) * self.strengths.sizes_posts
        return np.asarray((counts + prior) / (counts.sum() + self.strengths.sizes_posts))

    def result(self, expected: _Expected) -> Estimates:
        """Return the calibrated posterior, and the trainers' estimates from all posts."""
        data, strengths = self.data, self.strengths
        posterior = data.normalized(expected.prior + expected.evidence / self._temperature(expected))
        knew, judged, unread = self._said(replace(expected, posterior=posterior))
        return Estimates(
            posterior=posterior,
            unread=unread,
            competence=self._reliabilities(knew, judged, strengths.competence),
            anchoring=self._reliabilities(unread, self.met, strengths.anchoring),
            shown_right=float(self._shown_right(posterior).mean()),
        )

    def _reliabilities(self, yes: Floats, of: Floats, prior: BetaPrior) -> list[Reliability]:
        """Return each user's reliability from expected counts, shrunk to the crowd's, which shrinks to the prior's."""
        hits, chances = (_summed(self.data.said_user, counts, len(self.data.users)) for counts in (yes, of))
        mean = (hits.sum() + prior.mean * self.strengths.crowd) / (chances.sum() + self.strengths.crowd)
        crowd = BetaPrior(float(mean), prior.strength)
        return [crowd.reliability(*both) for both in zip(hits.tolist(), chances.tolist(), strict=True)]

    def _temperature(self, expected: _Expected) -> float:
        """Return the temperature at which the other votes best predict a left-out vote (1 if all are alone)."""
        data = self.data
        several = np.bincount(data.said_post, minlength=len(data.sets))[data.said_post] > 1
        if not several.any():
            return 1.0
        rest = expected.evidence[data.pair_hypothesis] - np.log(expected.likelihood)
        prior = expected.prior[data.pair_hypothesis]
        begins = np.concatenate([[0], np.flatnonzero(np.diff(data.pair_said)) + 1])
        scores = []
        for temperature in _TEMPERATURES:
            logs = prior + rest / temperature
            logs -= np.maximum.reduceat(logs, begins)[data.pair_said]
            weight = np.exp(logs)
            total = np.add.reduceat(weight, begins)
            predicted = np.add.reduceat(weight * expected.likelihood, begins) / total
            scores.append(float(np.log(predicted[several]).sum()))
        return _TEMPERATURES[int(np.argmax(scores))]


def _summed(where: Ints, values: Floats, many: int) -> Floats:
    return np.asarray(np.bincount(where, values, many), dtype=np.float64)


def _grouped(*keys: Ints) -> Ints:
    """Return a number for each distinct combination of keys, (rows,)."""
    code = keys[0]
    for other in keys[1:]:
        code = code * (int(other.max(initial=0)) + 1) + other
    return np.asarray(np.unique(code, return_inverse=True)[1], dtype=np.intp)
