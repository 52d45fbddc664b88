"""Who takes part in per_click.py: tierbot, plain random sampling with its learner, and the peers, each as it can.

A verdict that names tags is one labeled row a tag for peers that take one label; "wrong, unnamed" and abstentions
teach them nothing. The bandits see the reward of the shown tag alone (and the labels of the starting rows). Peers
with a strategy of what to ask use it, the others ask at random. All but Vowpal Wabbit, which gets words and sites too,
read the embeddings. What can be set was set on stories before those that are measured.
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.per_click import Index, Method, Told
from tests.benchmarks.streams import Stream
from tierbot.domain.nouns import RANDOM, Outcome, Selection
from tierbot.domain.predict.features import site_tokens, word_tokens
from tierbot.domain.predict.policy import EpsilonPolicy
from tierbot.domain.predict.selection import SelectionMix, select
from tierbot.domain.training.fit import fit
from tierbot.domain.training.rows import joined_rows, labeled_rows, teaches, verdict_rows
from tierbot.simulate.choices import POLICIES, SELECTIONS, Learner

_PLAIN = Selection(RANDOM, 1.0)
CLIPPED = 0.2  # the least propensity that a bandit is told: without it, it unlearned what the start had taught


class Tierbot:
    """The bot's own selection, policy and learner, with the default settings (but no champion to beat)."""

    def __init__(self, stream: Stream, mix: SelectionMix) -> None:
        self._stream, self._mix, self._policy = stream, mix, POLICIES["explore"]
        self._replay = Learner().replay_weight
        self._told: list[Told] = []
        self._model = stream.cold

    def start(self, rows: Index) -> None:
        """Learn from rows whose true tags are known."""
        ids = self._stream.tags.ids
        truths = [{ids[tag]: 1.0 for tag in np.flatnonzero(self._stream.true[row])} for row in rows]
        self._start = labeled_rows(truths, self._stream.features.take(rows), ids)
        self._model = fit(self._start, self._stream.cold)

    def _verdicts(self) -> int:
        return sum(teaches(one.verdict) for one in self._told)

    def _p(self, rows: Index) -> NDArray[np.float64]:
        return self._model.probabilities(self._stream.features.take(rows), self._stream.tags.ids)

    def ask(self, waiting: Index, count: int, rng: np.random.Generator) -> list[tuple[int, Selection]]:
        """Choose as the bot does."""
        embeddings = self._stream.features.embeddings[waiting]
        mix = self._mix.after(self._verdicts())
        framed = self._mix.frame([str(row) for row in waiting])
        chosen = select(count, probabilities=self._p(waiting), embeddings=embeddings, framed=framed, rng=rng, mix=mix)
        return [(int(waiting[place]), selection) for place, selection in chosen]

    def show(self, rows: Index, rng: np.random.Generator) -> list[tuple[int, float]]:
        """Show the likeliest tag, at times another plausible one."""
        verdicts = self._verdicts()
        return [_drawn(self._policy, p, verdicts, rng) for p in self._p(rows)]

    def learn(self, told: Sequence[Told]) -> None:
        """Fit anew to all that is known."""
        self._told += told
        kept = [one for one in self._told if teaches(one.verdict)]
        features = self._stream.features.take([one.row for one in kept])
        rows = verdict_rows(kept, features, self._stream.tags.ids)
        self._model = fit(joined_rows([self._start.times(self._replay), rows]), self._stream.cold)

    def top(self, rows: Index) -> Index:
        """Return the likeliest tags."""
        return self._p(rows).argmax(axis=1)


def _drawn(policy: EpsilonPolicy, p: NDArray[np.float64], settled: int, rng: np.random.Generator) -> tuple[int, float]:
    pi = policy.distribution(p, settled)
    shown = int(rng.choice(len(pi), p=pi))
    return shown, float(pi[shown])


class Peer:
    """A learner from (row, tag) pairs that asks at random and shows its top tag; peers change what they do otherwise."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._pairs: list[tuple[int, int]] = []
        self._place = {tag: column for column, tag in enumerate(stream.tags.ids)}

    def start(self, rows: Index) -> None:
        """Learn from rows whose true tags are known, one pair a tag."""
        self._add([(int(row), int(tag)) for row in rows for tag in np.flatnonzero(self._stream.true[row])])

    def ask(self, waiting: Index, count: int, rng: np.random.Generator) -> list[tuple[int, Selection]]:
        """Choose at random."""
        return [(int(row), _PLAIN) for row in rng.choice(waiting, count, replace=False)]

    def show(self, rows: Index, rng: np.random.Generator) -> list[tuple[int, float]]:
        """Show the top tag."""
        return [(int(tag), 1.0) for tag in self.top(rows)]

    def learn(self, told: Sequence[Told]) -> None:
        """Learn from the verdicts that name tags."""
        named = [one for one in told if one.verdict.outcome is Outcome.NAMED]
        self._add([(one.row, self._place[tag]) for one in named for tag in one.verdict.tags])

    def top(self, rows: Index) -> Index:
        """Return the likeliest tags."""
        raise NotImplementedError

    def _add(self, pairs: list[tuple[int, int]]) -> None:
        self._pairs += pairs
        self._fit(pairs)

    def _fit(self, new: list[tuple[int, int]]) -> None:
        raise NotImplementedError

    def _xy(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        rows, tags = (np.array(column) for column in zip(*self._pairs, strict=True))
        return self._stream.features.embeddings[rows], tags


class Vowpal(Peer):
    """Vowpal Wabbit, one against all, on words, sites and embeddings; each round learns all pairs twice more."""

    passes = 2

    def __init__(self, stream: Stream, options: str = "--oaa {} --loss_function logistic") -> None:
        super().__init__(stream)
        from vowpalwabbit import Workspace

        self._vw = Workspace(f"{options.format(len(self._place))} -b 22 --quiet --random_seed 1")
        self._examples: dict[str, Any] = {}

    def _example(self, row: int, label: str = "") -> Any:
        """Return a row as Vowpal Wabbit reads it, parsed once."""
        name = f"{label} {row}"
        if name not in self._examples:
            article = self._stream.articles[row]
            words, sites = (
                " ".join(token.replace(" ", "_").replace(":", "_").replace("|", "_") for token in tokens)
                for tokens in (word_tokens(article.content), site_tokens(article.url))
            )
            vector = self._stream.features.embeddings[row]
            dense = " ".join(f"d{place}:{value:.4f}" for place, value in enumerate(vector))
            self._examples[name] = self._vw.example(f"{label} |w {words} |s {sites} |e {dense}")
        return self._examples[name]

    def _fit(self, new: list[tuple[int, int]]) -> None:
        rng = np.random.default_rng(len(self._pairs))
        for _ in range(self.passes):
            for row, tag in rng.permutation(self._pairs):
                self._vw.learn(self._example(row, str(tag + 1)))

    def top(self, rows: Index) -> Index:
        """Return the predicted tags."""
        return np.array([self._vw.predict(self._example(row)) - 1 for row in rows], dtype=np.intp)


class VowpalBandit(Vowpal):
    """Vowpal Wabbit's contextual bandit: the labels of the starting rows, then rewards of shown tags alone."""

    passes = 4
    wrong = 5  # false tags that a starting row names, as actions that earned nothing

    def _fit(self, new: list[tuple[int, int]]) -> None:
        rng = np.random.default_rng(0)
        for _ in range(self.passes):
            for row, tag in rng.permutation(new):
                self._vw.learn(self._example(row, f"{tag + 1}:-1:1"))
                for other in rng.choice(len(self._place), self.wrong, replace=False):
                    if not self._stream.true[row, other]:
                        self._vw.learn(self._example(row, f"{other + 1}:0:1"))

    def learn(self, told: Sequence[Told]) -> None:
        """Learn what the shown tags earned."""
        for one in told:
            if one.verdict.reward is not None:
                cost = -one.verdict.reward  # an action never tried is predicted to cost 0
                self._vw.learn(self._example(one.row, f"{one.shown + 1}:{cost:.4f}:{max(one.propensity, CLIPPED):.4f}"))

    def _policy(self, row: int) -> NDArray[np.float64]:
        chances = np.array(self._vw.predict(self._example(row)), dtype=np.float64)
        return chances / chances.sum()

    def show(self, rows: Index, rng: np.random.Generator) -> list[tuple[int, float]]:
        """Draw from its own policy."""
        drawn = []
        for row in rows:
            chances = self._policy(int(row))
            shown = int(rng.choice(len(chances), p=chances))
            drawn.append((shown, float(chances[shown])))
        return drawn

    def top(self, rows: Index) -> Index:
        """Return the policy's likeliest tags."""
        return np.array([self._policy(int(row)).argmax() for row in rows], dtype=np.intp)


class River(Peer):
    """river's one-vs-rest logistic regression, learning from each pair once, as it comes."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        from river import linear_model, multiclass, optim

        self._model = multiclass.OneVsRestClassifier(linear_model.LogisticRegression(optim.AdaGrad(0.3)))

    def _fit(self, new: list[tuple[int, int]]) -> None:
        for row, tag in new:
            self._model.learn_one(dict(enumerate(self._stream.features.embeddings[row].tolist())), tag)

    def top(self, rows: Index) -> Index:
        """Return the likeliest tags."""
        import pandas as pd

        found = self._model.predict_proba_many(pd.DataFrame(self._stream.features.embeddings[rows]))
        return np.array(found.columns)[found.to_numpy().argmax(axis=1)].astype(np.intp)


class ActiveML(Peer):
    """scikit-activeml: margin sampling with its wrapped logistic regression."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        from skactiveml.classifier import SklearnClassifier
        from skactiveml.pool import UncertaintySampling
        from sklearn.linear_model import LogisticRegression

        self._ask = UncertaintySampling(method="margin_sampling", random_state=0)
        self._model = SklearnClassifier(
            LogisticRegression(C=3.0, max_iter=100), classes=list(range(len(self._place))), random_state=0
        )

    def _fit(self, new: list[tuple[int, int]]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._model.fit(*self._xy())

    def ask(self, waiting: Index, count: int, rng: np.random.Generator) -> list[tuple[int, Selection]]:
        """Ask where the two likeliest tags are closest."""
        x, y = self._xy()
        pool = self._stream.features.embeddings[waiting]
        chosen = self._ask.query(x, y, self._model, fit_clf=False, candidates=pool, batch_size=count)
        return [(int(waiting[place]), _PLAIN) for place in chosen]

    def top(self, rows: Index) -> Index:
        """Return the likeliest tags."""
        return np.asarray(self._model.predict(self._stream.features.embeddings[rows]), dtype=np.intp)


class SmallText(Peer):
    """small-text: breaking ties with its linear support vector machine."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        from small_text import BreakingTies

        self._ask = BreakingTies()

    def _data(self, x: NDArray[np.float32], y: NDArray[np.int64]) -> Any:
        from scipy import sparse
        from small_text import SklearnDataset

        return SklearnDataset(sparse.csr_matrix(x), y, target_labels=np.arange(len(self._known)))

    def _fit(self, new: list[tuple[int, int]]) -> None:
        from small_text import ConfidenceEnhancedLinearSVC, SklearnClassifierFactory

        x, y = self._xy()
        self._known, numbers = np.unique(y, return_inverse=True)  # it takes tags to be numbered without gaps
        self._model = SklearnClassifierFactory(ConfidenceEnhancedLinearSVC(), len(self._known)).new()
        self._model.fit(self._data(x, numbers))

    def ask(self, waiting: Index, count: int, rng: np.random.Generator) -> list[tuple[int, Selection]]:
        """Ask where the two likeliest tags are closest."""
        pool = self._data(self._stream.features.embeddings[waiting], np.zeros(len(waiting), np.int64))
        every = np.arange(len(waiting))
        none = np.zeros(0, np.int64)
        chosen = self._ask.query(self._model, pool, every, none, none, n=count)
        return [(int(waiting[place]), _PLAIN) for place in chosen]

    def top(self, rows: Index) -> Index:
        """Return the predicted tags."""
        data = self._data(self._stream.features.embeddings[rows], np.zeros(len(rows), np.int64))
        return self._known[self._model.predict(data)].astype(np.intp)


METHODS: Mapping[str, Callable[[Stream], Method]] = {
    "tierbot": lambda stream: Tierbot(stream, SELECTIONS["mix"]),
    "random": lambda stream: Tierbot(stream, SELECTIONS["random"]),
    "margin": lambda stream: Tierbot(stream, SELECTIONS["margin"]),
    "vw oaa": Vowpal,
    "vw bandit, epsilon": lambda stream: VowpalBandit(stream, "--cb_explore {} --epsilon 0.05 --cb_type dr"),
    "vw bandit, cover": lambda stream: VowpalBandit(stream, "--cb_explore {} --cover 3 --cb_type dr"),
    "river": River,
    "scikit-activeml": ActiveML,
    "small-text": SmallText,
}
