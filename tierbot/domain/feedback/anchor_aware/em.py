"""Expectation–maximisation of the model in learned.py: who is competent, who clicks unread, what is true."""

from dataclasses import dataclass, field, replace

import numpy as np

from tierbot.domain.feedback.anchor_aware.encoding import MOST_TRUE, Encoded
from tierbot.domain.feedback.crowd.agreement import BetaPrior
from tierbot.domain.feedback.crowd.table import Floats, Ints

_TEMPERATURES = (1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
_TINY = 1e-12
_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Strengths:
    """What is believed before any vote; every strength is in observations.

    competence, anchoring: the crowd's mean and, as `strength`, how much of her own a trainer needs before she is
    believed to differ from the crowd; crowd: how much all of them need before the crowd is believed to differ
    from that mean. shown_right: how often the tag on display is true. sizes: how common one,
    two and three true tags are, worth `sizes_posts` posts. habit: errors of a trainer's own before they count
    against the crowd's; confusion: errors of the crowd at one truth before they count against its errors overall.
    """

    competence: BetaPrior = field(default_factory=lambda: BetaPrior(0.8, 8.0))
    anchoring: BetaPrior = field(default_factory=lambda: BetaPrior(0.3, 8.0))
    crowd: float = 40.0
    shown_right: BetaPrior = field(default_factory=lambda: BetaPrior(0.7, 10.0))
    sizes: tuple[float, float, float] = (0.85, 0.13, 0.02)
    sizes_posts: float = 50.0
    habit: float = 20.0
    confusion: float = 20.0


@dataclass(frozen=True, eq=False)
class Estimates:
    """What was found. posterior: (hypotheses,). unread: (said,), P(clicked without judging), 0 unless on display.

    The counts have shape (2, users): expected (yes, of) behind each trainer's competence and anchoring.
    """

    posterior: Floats
    unread: Floats
    competence_counts: Floats
    anchoring_counts: Floats
    competence_prior: BetaPrior
    anchoring_prior: BetaPrior
    shown_right: float
    temperature: float


class _Apart:
    """Sums over all posts but one: no post may judge its own voters by what it made of them.

    Without that a few votes talk themselves into anything: twelve people, alone, into eight of them being led.
    """

    def __init__(self, post: Ints, *keys: Ints) -> None:
        """Group rows by `keys`, and each group once more by post; all of shape (rows,)."""
        self._whole, self._part = _grouped(*keys), _grouped(*keys, post)

    def others(self, values: Floats) -> Floats:
        """Return for each row the sum over the rows of its group that are of other posts."""
        whole, part = np.bincount(self._whole, values), np.bincount(self._part, values)
        return np.asarray(np.maximum(whole[self._whole] - part[self._part], 0.0))


@dataclass(eq=False)
class _Parameters:
    """What each thing said or supposed is judged with, estimated from the other posts.

    competence, anchoring: (said,). noise: (pairs,), P(saying this | erring, hypothesis). affinity: (hypotheses,),
    P(a member is true | what is on display is not). shown_right: (posts,). sizes: (3,).
    """

    competence: Floats
    anchoring: Floats
    noise: Floats
    affinity: Floats
    shown_right: Floats
    sizes: Floats


@dataclass(frozen=True, eq=False)
class _Expected:
    """Given the parameters and each hypothesis. likelihood, unread, knew: (pairs,); evidence, prior: logs."""

    likelihood: Floats  # P(saying this)
    unread: Floats  # P(clicked unread | said this)
    knew: Floats  # P(knew | said this, judged)
    prior: Floats  # (hypotheses,)
    evidence: Floats  # (hypotheses,)
    posterior: Floats  # (hypotheses,)


def estimate(data: Encoded, strengths: Strengths, iterations: int) -> Estimates:
    """Fit by EM from the priors: deterministic, and blank posts and displayed ones teach one another."""
    model = _Model(data, strengths)
    now = model.start()
    expected = model.expect(now)
    for _ in range(iterations):
        before, now = expected.posterior, model.learn(expected)
        expected = model.expect(now)
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
        # Of several true tags a person names one at a time; a rejection needs no choice among them.
        self.pick = np.where(self.rejects[said], 1.0, 1.0 / data.size[at])
        self.has = data.has_shown.astype(bool)
        self.spoken = np.bincount(data.said_post, minlength=len(data.sets)) > 0
        post, user = data.said_post, data.said_user
        # How often each trainer met something on display: only then could she click it unread.
        _, first = np.unique(_grouped(post, user), return_index=True)
        self.met = np.zeros(self.saids)
        self.met[first] = data.post_shows[post[first]]
        nobody = np.zeros(self.saids, dtype=np.intp)
        self.by_user, self.by_all = _Apart(post, user), _Apart(post, nobody)
        self.by_tag, self.by_habit = _Apart(post, self.tag), _Apart(post, user, self.tag)
        # Each pair once per member of its hypothesis, to count what is confused with what.
        members = data.members[at]
        self.pair, column = np.nonzero(members < data.tags)
        self.true = members[self.pair, column]
        pair_post = post[said][self.pair]
        self.by_truth = _Apart(pair_post, self.true)
        self.by_confusion = _Apart(pair_post, self.true, self.tag[said][self.pair])
        # Each hypothesis once per member, to count what the display is mistaken for.
        self.hypothesis, column = np.nonzero(data.members < data.tags)
        self.member = data.members[self.hypothesis, column]
        display, its_post = data.post_shown_tag[self.post_of][self.hypothesis], self.post_of[self.hypothesis]
        self.display = display
        self.by_display, self.by_mistake = _Apart(its_post, display), _Apart(its_post, display, self.member)

    def start(self) -> _Parameters:
        data, strengths = self.data, self.strengths
        flat = np.full(len(data.pair_said), 1.0 / data.tags)
        return _Parameters(
            competence=np.full(self.saids, strengths.competence.mean),
            anchoring=np.full(self.saids, strengths.anchoring.mean),
            noise=np.where(self.rejects[data.pair_said], 0.5, flat),
            affinity=np.full(len(data.size), 1.0 / data.tags),
            shown_right=np.full(len(data.sets), strengths.shown_right.mean),
            sizes=np.array(strengths.sizes),
        )

    def expect(self, now: _Parameters) -> _Expected:
        """E-step: what each hypothesis makes of each thing said."""
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
        """Return the log prior of each hypothesis: sets of a size alike, and the displayed tag true at its rate."""
        data = self.data
        tags, size = data.tags, data.size
        ways = np.array([tags, tags * (tags - 1) / 2, tags * (tags - 1) * max(tags - 2, 1) / 6])
        weight = (now.sizes / ways)[size - 1]
        single, another = size == 1, data.members[:, 0] == tags
        listed = data.per_post(single.astype(float))[self.post_of] - 1  # candidates of the post
        weight = np.where(another, weight * np.maximum(tags - listed, 1.0), weight)
        # On display the tag is true at its rate; where it is not, what it is mistaken for is likelier than the rest.
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
        """M-step, each estimate shrunk to the crowd's, the crowd's to the prior."""
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
        """Return for each thing said the probability that it was known, judged, clicked unread, each (said,)."""
        joint = expected.posterior[self.data.pair_hypothesis]
        unread = _summed(self.data.pair_said, joint * expected.unread, self.saids)
        knew = _summed(self.data.pair_said, joint * (1 - expected.unread) * expected.knew, self.saids)
        return knew, 1 - unread, unread

    def _shrunk(self, yes: Floats, of: Floats, prior: BetaPrior) -> Floats:
        """Return each speaker's share of yes, (said,), shrunk to the crowd's, which shrinks to the prior's."""
        crowd = self.strengths.crowd
        mean = (self.by_all.others(yes) + prior.mean * crowd) / (self.by_all.others(of) + crowd)
        own, chances = self.by_user.others(yes), self.by_user.others(of)
        return np.asarray((own + mean * prior.strength) / (chances + prior.strength))

    def _noise(self, wrong: Floats) -> tuple[Floats, Floats]:
        """Return the crowd's confusions, (tags, tags), and P(saying this | erring, hypothesis), (pairs,).

        The first says what is named in error, by true tag; in the second it is what the errors of a trainer shrink
        to. Where the truth is a tag that nobody spoke of, errors are those of the crowd overall. A rejection has
        only one other side, so erring is even there.
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
        """Return P(a member is true | the tag on display is not), (hypotheses,), mean over members.

        Counted over the other posts that showed the same tag, and shrunk to what people confuse with it as well.
        """
        data = self.data
        weight = (posterior * ~self.has * self.spoken[self.post_of] / data.size)[self.hypothesis]
        people = confusion[self.member, self.display] / confusion.sum(axis=0)[self.display]
        prior = (people + 1.0 / data.tags) / 2
        strength = self.strengths.confusion
        chance = (self.by_mistake.others(weight) + strength * prior) / (self.by_display.others(weight) + strength)
        return _summed(self.hypothesis, chance, len(data.size)) / data.size

    def _shown_right(self, posterior: Floats) -> Floats:
        """Return how often the classifier's tag is true, (posts,), counted over the other posts.

        Blank ones count in full: nobody was led to it. Displayed ones, however many, count no more than the prior,
        since there a tag that people are led to looks just like a true one.
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
        """Return the calibrated posterior, and what all posts together say of the trainers."""
        data, strengths = self.data, self.strengths
        temperature = self._temperature(expected)
        posterior = data.normalized(expected.prior + expected.evidence / temperature)
        knew, judged, unread = self._said(replace(expected, posterior=posterior))
        many = len(data.users)
        competence, anchoring = (
            np.stack([_summed(data.said_user, yes, many), _summed(data.said_user, of, many)])
            for yes, of in ((knew, judged), (unread, self.met))
        )
        return Estimates(
            posterior=posterior,
            unread=unread,
            competence_counts=competence,
            anchoring_counts=anchoring,
            competence_prior=_crowd(competence, strengths.competence, strengths.crowd),
            anchoring_prior=_crowd(anchoring, strengths.anchoring, strengths.crowd),
            shown_right=float(self._shown_right(posterior).mean()),
            temperature=temperature,
        )

    def _temperature(self, expected: _Expected) -> float:
        """Return the temperature at which what the others said best predicts what one said.

        Every thing said is left out in turn (its likelihood divided out); only posts with several can tell.
        """
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


def _crowd(counts: Floats, prior: BetaPrior, strength: float) -> BetaPrior:
    """Return the prior of one trainer: around the crowd's own mean, which shrinks to the prior's."""
    yes, of = counts.sum(axis=1).tolist()
    return BetaPrior((yes + prior.mean * strength) / (of + strength), prior.strength)


def _grouped(*keys: Ints) -> Ints:
    """Return a number for each distinct combination of keys, (rows,)."""
    code = keys[0]
    for other in keys[1:]:
        code = code * (int(other.max(initial=0)) + 1) + other
    return np.asarray(np.unique(code, return_inverse=True)[1], dtype=np.intp)
