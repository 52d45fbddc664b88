"""The methods and measures of a crowd, compared with slow and plain ones, cell by cell."""

import math
from collections.abc import Mapping, Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from tests.domain.feedback.crowd.test_aggregators import ROWS, crowd
from tierbot.domain.feedback.crowd import aggregators
from tierbot.domain.feedback.crowd.aggregators import (
    CROWD_KIT,
    CrowdKit,
    HierarchicalDawidSkene,
    Majority,
    aggregator,
    methods,
)
from tierbot.domain.feedback.crowd.agreement import (
    BetaPrior,
    crowd_alpha,
    crowd_prior,
    krippendorff_alpha,
    masi,
    nominal,
    reliabilities,
)
from tierbot.domain.feedback.crowd.settling import settle_crowd
from tierbot.domain.feedback.crowd.table import CrowdError, CrowdResult, CrowdTable
from tierbot.domain.nouns import Estimate, TierbotError

Table = Mapping[str, Mapping[str, float]]


def weights(rows: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], float]:
    distinct = set(rows)
    return {row: 1 / sum(other[:2] == row[:2] for other in distinct) for row in sorted(distinct)}


def shares(rows: Sequence[tuple[str, str, str]]) -> dict[str, dict[str, float]]:
    """Return each label's share of an item's votes."""
    weight, labels = weights(rows), sorted({label for *_, label in rows})
    found: dict[str, dict[str, float]] = {}
    for item in sorted({item for item, *_ in rows}):
        total = sum(w for row, w in weight.items() if row[0] == item)
        found[item] = {
            label: sum(w for row, w in weight.items() if row[0] == item and row[2] == label) / total for label in labels
        }
    return found


def hierarchical(rows: Sequence[tuple[str, str, str]], method: HierarchicalDawidSkene) -> dict[str, dict[str, float]]:
    """Settle by whole confusion matrices, one number after another."""
    weight, start = weights(rows), shares(rows)
    labels, workers = sorted({label for *_, label in rows}), sorted({worker for _, worker, _ in rows})
    own_votes = method.confusion_votes * len(labels)
    modeled: Table = start
    for _ in range(method.iterations):
        # said[worker][given][true]: expected votes
        said = {
            w: {
                g: {
                    t: sum(x * modeled[i][t] for (i, who, what), x in weight.items() if (who, what) == (w, g))
                    for t in labels
                }
                for g in labels
            }
            for w in workers
        }
        votes = {w: sum(x for (_, who, _), x in weight.items() if who == w) for w in workers}
        hits = {w: sum(said[w][g][g] for g in labels) for w in workers}
        right = sum(hits.values()) / sum(votes.values())
        accuracy = {w: (hits[w] + method.accuracy_votes * right) / (votes[w] + method.accuracy_votes) for w in workers}
        settled: dict[str, dict[str, float]] = {}
        for item in modeled:
            logs = dict.fromkeys(labels, 0.0)
            for (i, w, g), x in weight.items():
                if i != item:
                    continue
                for t in labels:
                    own = min(max(accuracy[w], 1e-3), 1 - 1e-3)
                    expected = own if g == t else (1 - own) / (len(labels) - 1)
                    given = sum(said[w][other][t] for other in labels)
                    logs[t] += x * math.log((said[w][g][t] + own_votes * expected) / (given + own_votes))
            total = sum(math.exp(one) for one in logs.values())
            settled[item] = {t: math.exp(logs[t]) / total for t in labels}
        moved = sum(abs(settled[i][t] - modeled[i][t]) for i in modeled for t in labels) / (len(modeled) * len(labels))
        modeled = settled
        if moved < 1e-3:
            break
    return {
        i: {t: (modeled[i][t] + method.majority * start[i][t]) / (1 + method.majority) for t in labels} for i in modeled
    }


def rows_of(seed: int, labels: int = 3) -> list[tuple[str, str, str]]:
    """Return a small crowd of careful, careless and confused workers, some of whom give two labels."""
    rng = np.random.default_rng(seed)
    rows = []
    for item in range(12):
        truth = int(rng.choice(labels, p=np.arange(labels, 0, -1) / (labels * (labels + 1) / 2)))
        for worker, accuracy in enumerate((0.95, 0.8, 0.5, 0.3)):
            given = truth if rng.random() < accuracy else int(rng.integers(labels))
            if worker == 3:
                given = (given + 1) % labels
            rows += [(f"i{item:02}", f"w{worker}", f"l{given}")] if rng.random() < 0.8 else []
            rows += [(f"i{item:02}", f"w{worker}", f"l{rng.integers(labels)}")] if rng.random() < 0.1 else []
    return [*rows, ("alone", "rare", "l0"), ("alone", "w0", "l1")]


SETTINGS = [
    HierarchicalDawidSkene(),
    HierarchicalDawidSkene(iterations=1),
    HierarchicalDawidSkene(0.5, 1.0, 0.25, 3),
    HierarchicalDawidSkene(0.1, 0.0, 0.0, 2),
]


@pytest.mark.parametrize("labels", [2, 4])
@pytest.mark.parametrize("method", SETTINGS)
def test_the_hierarchical_method_is_what_whole_confusion_matrices_give(
    method: HierarchicalDawidSkene, labels: int
) -> None:
    rows = rows_of(labels, labels)
    table = CrowdTable.from_rows(rows)
    plain = hierarchical(rows, method)
    expected = np.array([[plain[item][label] for label in table.labels] for item in table.items])
    assert method.settle(table).probabilities == pytest.approx(expected, abs=1e-9)


def test_workers_who_are_always_right_are_not_taken_for_infallible() -> None:
    rows = [(f"i{item}", f"w{worker}", "xyz"[item % 3]) for item in range(9) for worker in range(3)]
    table, plain = CrowdTable.from_rows(rows), hierarchical(rows, HierarchicalDawidSkene())
    expected = np.array([[plain[item][label] for label in table.labels] for item in table.items])
    found = HierarchicalDawidSkene().settle(table).probabilities
    assert np.log(found) == pytest.approx(np.log(expected), abs=1e-6)
    assert (found > 0).all()


@given(ROWS)
def test_a_tables_shares_are_each_workers_one_vote_divided(rows: list[tuple[str, str, str]]) -> None:
    table, plain = CrowdTable.from_rows(rows), shares(rows)
    assert table.votes == len(set(rows))
    assert sorted(zip(table.item, table.worker, table.label, strict=True)) == list(
        zip(table.item, table.worker, table.label, strict=True)
    )
    assert {
        (table.items[i], table.workers[w], table.labels[g]): pytest.approx(x)
        for i, w, g, x in zip(table.item, table.worker, table.label, table.weight, strict=True)
    } == weights(rows)
    found = Majority().settle(table).probabilities
    assert found == pytest.approx(np.array([[plain[i][g] for g in table.labels] for i in table.items]))


def test_with_one_label_there_is_nothing_to_confuse() -> None:
    table = CrowdTable.from_rows([("a", "w1", "x"), ("b", "w2", "x")])
    assert HierarchicalDawidSkene().settle(table).probabilities.tolist() == [[1.0], [1.0]]


def test_the_method_ends_when_its_probabilities_move_no_more() -> None:
    table, _ = crowd(np.random.default_rng(1), [0.9, 0.8, 0.7, 0.6], items=40)
    found = [HierarchicalDawidSkene(iterations=many).settle(table).probabilities for many in (1, 50, 500)]
    assert (found[1] == found[2]).all()
    assert np.abs(found[0] - found[1]).max() > 1e-3


def test_probabilities_that_differ_by_rounding_are_a_tie_and_others_are_not() -> None:
    table = CrowdTable.from_rows([(f"i{n}", "w1", label) for n in range(60) for label in "xy"])
    even = np.full((60, 2), 0.5)
    chosen = CrowdResult(table, even).chosen
    assert set(chosen.values()) == {"x", "y"}, "a hash decides"
    for tilt in (1e-10, -1e-10):
        assert CrowdResult(table, even + np.array([tilt, -tilt])).chosen == chosen
    assert set(CrowdResult(table, even + np.array([1e-8, -1e-8])).chosen.values()) == {"x"}


# --- crowd-kit ------------------------------------------------------------------------------------


def test_crowd_kits_methods_are_listed_after_ours_if_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tierbot.domain.feedback.crowd.aggregators.find_spec", lambda name: name == "crowdkit" or None)
    assert methods() == ("hierarchical", "majority", *(f"crowd-kit/{name}" for name in CROWD_KIT))
    assert methods()[0] == aggregators.DEFAULT_METHOD
    assert aggregator("crowd-kit/glad") == CrowdKit("glad")
    for name in ("crowd-kit/oracle", "glad", "oracle"):
        with pytest.raises(
            CrowdError, match=rf"Unknown method '{name}'\. Choose one of: hierarchical, majority"
        ) as told:
            aggregator(name)
        assert "crowd-kit/dawid-skene, crowd-kit/one-coin, crowd-kit/mace, crowd-kit/glad." in str(told.value)
        assert "pip install" not in str(told.value)


class Frames:
    """Stand-ins for pandas and crowd-kit: they answer with what `found` holds, for the tasks and labels in it."""

    def __init__(self, found: Mapping[int, Mapping[int, float]]) -> None:
        self.found, self.given = found, {}
        self.asked: list[str] = []

    def DataFrame(self, columns: Mapping[str, object]) -> "Frames":  # noqa: N802 - as pandas has it
        self.given = dict(columns)
        return self

    def __getattr__(self, name: str):
        self.asked.append(name)
        return lambda: self

    def fit_predict_proba(self, frame: "Frames") -> "Frames":
        assert list(frame.given) == ["task", "worker", "label"]
        return self

    def reindex(self, index: range, columns: range) -> "Frames":
        self.shape = [[self.found.get(i, {}).get(c, math.nan) for c in columns] for i in index]
        return self

    def to_numpy(self, kind: type) -> np.ndarray:
        return np.array(self.shape, dtype=kind)


def test_where_crowd_kits_method_has_no_answer_the_shares_count(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(item, worker, label) for item in "abc" for worker, label in (("v", "x"), ("w", "x"), ("z", "y"))]
    table = CrowdTable.from_rows(rows)
    frames = Frames({0: {0: 1.0, 1: 3.0}, 1: {0: math.nan, 1: 0.5}, 2: {0: 0.0, 1: 0.0}})
    wanted: list[str] = []
    monkeypatch.setattr(
        "tierbot.domain.feedback.crowd.aggregators.import_module", lambda name: wanted.append(name) or frames
    )
    found = CrowdKit("one-coin").settle(table).probabilities
    assert found == pytest.approx(np.array([[0.25, 0.75], [2 / 3, 1 / 3], [2 / 3, 1 / 3]]))
    assert (wanted, frames.asked) == (["crowdkit.aggregation", "pandas"], ["OneCoinDawidSkene"])
    assert {name: list(column) for name, column in frames.given.items()} == {
        "task": table.item.tolist(),
        "worker": table.worker.tolist(),
        "label": table.label.tolist(),
    }


# --- agreement ------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.sampled_from("wxyz"), max_size=5), max_size=10), st.booleans())
def test_alpha_is_one_less_the_share_of_the_disagreement_that_chance_expects(
    units: list[list[str]], ordered: bool
) -> None:
    def apart(one: str, other: str) -> float:
        return abs(ord(one) - ord(other)) if ordered else float(one != other)

    paired = [answers for answers in units if len(answers) > 1]
    every = [value for answers in paired for value in answers]
    found = krippendorff_alpha(units, apart) if ordered else krippendorff_alpha(units)
    if len(set(every)) < 2:
        assert found is None
        return
    observed = sum(
        sum(apart(*pair) for pair in permutations(answers, 2)) / (len(answers) - 1) for answers in paired
    ) / len(every)
    expected = sum(apart(*pair) for pair in permutations(every, 2)) / (len(every) * (len(every) - 1))
    assert found == pytest.approx(1 - observed / expected)


def test_alpha_is_undefined_where_all_answers_are_equally_far_from_nothing() -> None:
    assert krippendorff_alpha([["x", "y"], ["y", "x"]], lambda *_: 0.0) is None


def test_distances_are_those_that_were_published() -> None:
    assert (nominal("x", "x"), nominal("x", "y")) == (0.0, 1.0)
    sets = [frozenset(one) for one in ("a", "ab", "abc", "bc", "d", "")]
    assert masi(sets[0], sets[0]) == 0
    assert masi(sets[0], sets[1]) == masi(sets[1], sets[0]) == pytest.approx(1 - 1 / 2 * 2 / 3)
    assert masi(sets[1], sets[3]) == pytest.approx(1 - 1 / 3 * 1 / 3)
    assert masi(sets[2], sets[3]) == pytest.approx(1 - 2 / 3 * 2 / 3)
    assert masi(sets[0], sets[4]) == masi(sets[0], sets[5]) == 1


@given(ROWS)
def test_a_crowds_alpha_counts_answers_to_items_with_one_label_from_their_worker(
    rows: list[tuple[str, str, str]],
) -> None:
    single = [row for row, weight in weights(rows).items() if weight == 1]
    units = [[label for item, _, label in single if item == one] for one in sorted({item for item, *_ in rows})]
    found, plain = crowd_alpha(CrowdTable.from_rows(rows)), krippendorff_alpha(units)
    assert found == (None if plain is None else pytest.approx(plain))


@given(st.floats(0, 50), st.floats(0, 50), st.floats(0.05, 0.95), st.floats(1, 50))
def test_a_reliability_is_the_beta_posteriors_mean_and_central_interval(
    right: float, wrong: float, mean: float, strength: float
) -> None:
    found = BetaPrior(mean, strength).reliability(right, right + wrong)
    posterior = stats.beta(mean * strength + right, (1 - mean) * strength + wrong)
    assert (found.right, found.judged) == (right, right + wrong)
    assert found.mean == pytest.approx(posterior.mean())
    assert (found.low, found.high) == pytest.approx((posterior.ppf(0.025), posterior.ppf(0.975)), abs=1e-6)


def test_a_count_may_be_right_by_rounding_more_often_than_it_was_judged_and_no_more() -> None:
    prior = BetaPrior(0.7, 4)
    assert prior.reliability(2 + 1e-10, 2).mean == pytest.approx(4.8 / 6)
    for right, judged in ((2 + 1e-8, 2), (-0.1, 2)):
        with pytest.raises(TierbotError):
            prior.reliability(right, judged)


TALLIES = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda both: (float(both[0]), float(sum(both)))), max_size=9
)


@given(TALLIES)
def test_the_crowds_prior_is_the_moment_estimate_of_an_analysis_of_variance(tallies: list[tuple[float, float]]) -> None:
    seen = [(right, judged) for right, judged in tallies if judged]
    found, many, total = crowd_prior(tallies), len(seen), sum(judged for _, judged in seen)
    mean = (sum(right for right, _ in seen) + 1) / (total + 2)
    assert found.mean == pytest.approx(mean)
    if many < 3 or total <= many:
        assert found.strength == 2
        return
    chance = mean * (1 - mean)
    excess = sum(judged * (right / judged - mean) ** 2 for right, judged in seen) - chance * (many - 1)
    room = chance * (total - sum(judged**2 for _, judged in seen) / total - (many - 1))
    assume(abs(excess) > 1e-9)
    strength = 50.0 if excess < 0 or room <= 0 else min(50.0, max(2.0, room / excess - 1))
    assert found.strength == pytest.approx(strength)


def test_it_takes_three_trainers_and_more_than_a_vote_each_to_say_how_alike_they_are() -> None:
    assert crowd_prior([(20, 20), (20, 20)]) == BetaPrior(41 / 42, 2.0)
    assert crowd_prior([(1, 1), (1, 1), (1, 1)]).strength == 2
    assert crowd_prior([(1, 1), (1, 1), (2, 2)]).strength == 50
    assert crowd_prior([(20, 20)] * 3 + [(0, 0)]).strength == 50
    assert crowd_prior([]) == BetaPrior(0.5, 2.0)
    assert crowd_prior([(1, 1), (0, 1), (1, 3)]).strength == pytest.approx(109 / 35)


def test_trainers_shrink_to_the_crowds_prior_and_come_in_order() -> None:
    tallies = {"b": (9.0, 10.0), "a": (5.0, 10.0), "c": (7.0, 10.0)}
    prior = crowd_prior(tallies.values())
    found = reliabilities(tallies)
    assert list(found) == ["a", "b", "c"]
    assert found == {user: prior.reliability(*tally) for user, tally in tallies.items()}


# --- the report -----------------------------------------------------------------------------------


def test_a_report_says_everything_once() -> None:
    rows = [("a", "w1", "x"), ("a", "w2", "x"), ("b", "w1", "y"), ("b", "w2", "y"), ("c", "w3", "z")]
    report = settle_crowd(CrowdTable.from_rows(rows), {"a": "x", "b": "x", "d": "x"}, "majority")
    right = Estimate.of_share(1, 2)
    assert report.summary() == {
        "method": "majority",
        "items": 3,
        "workers": 3,
        "labels": 3,
        "votes": 5,
        "accuracy": 0.5,
        "accuracy_interval": [right.low, right.high],
        "judged": 2,
        "unvoted": 1,
        "alpha": 1.0,
    }
    unknown = settle_crowd(CrowdTable.from_rows(rows), method="majority").summary()
    assert (unknown["accuracy"], unknown["accuracy_interval"], unknown["judged"], unknown["unvoted"]) == (
        None,
        None,
        0,
        0,
    )
    assert settle_crowd(CrowdTable.from_rows(rows)).method == "hierarchical"
