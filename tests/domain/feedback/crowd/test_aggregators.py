"""Plain crowd data and its aggregators: laws that all of them keep, and what each is for."""

import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierbot.domain.feedback.crowd.aggregators import (
    CROWD_KIT,
    DEFAULT_METHOD,
    aggregator,
    methods,
)
from tierbot.domain.feedback.crowd.settling import settle_crowd
from tierbot.domain.feedback.crowd.table import CrowdError, CrowdTable

OURS = [name for name in methods() if not name.startswith("crowd-kit/")]
ROWS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(["w1", "w2", "w3", "w4"]), st.sampled_from(["x", "y", "z"])),
    min_size=1,
    max_size=40,
)


def crowd(
    rng: np.random.Generator,
    accuracies: list[float],
    *,
    items: int = 200,
    labels: int = 4,
    votes: int = 5,
    flat: bool = True,
) -> tuple[CrowdTable, dict[str, str]]:
    """Return a crowd whose workers are right with these probabilities and err evenly, and the truth."""
    weights = np.ones(labels) if flat else np.arange(labels, 0, -1.0) ** 2
    truth = rng.choice(labels, size=items, p=weights / weights.sum())
    rows = []
    for item in range(items):
        for worker in rng.choice(len(accuracies), size=min(votes, len(accuracies)), replace=False):
            right = rng.random() < accuracies[worker]
            label = truth[item] if right else (truth[item] + rng.integers(1, labels)) % labels
            rows.append((f"i{item}", f"w{worker}", f"l{label}"))
    return CrowdTable.from_rows(rows), {f"i{item}": f"l{label}" for item, label in enumerate(truth)}


def accuracy(table: CrowdTable, truth: dict[str, str], method: str) -> float:
    value = settle_crowd(table, truth, method).accuracy.value
    assert value is not None
    return value


@pytest.mark.parametrize("method", OURS)
@settings(max_examples=40)
@given(rows=ROWS, random=st.randoms(use_true_random=False))
def test_the_order_and_the_repetition_of_rows_change_nothing(method: str, rows, random) -> None:
    shuffled = [*rows, *random.choices(rows, k=3)]
    random.shuffle(shuffled)
    one, other = (aggregator(method).settle(CrowdTable.from_rows(given)) for given in (rows, shuffled))
    assert (one.probabilities == other.probabilities).all()
    assert one.chosen == other.chosen


@pytest.mark.parametrize("method", OURS)
@settings(max_examples=40)
@given(rows=ROWS)
def test_probabilities_are_probabilities(method: str, rows) -> None:
    settlement = aggregator(method).settle(CrowdTable.from_rows(rows))
    assert np.isfinite(settlement.probabilities).all()
    assert (settlement.probabilities >= 0).all()
    assert settlement.probabilities.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("method", OURS)
@settings(max_examples=40)
@given(rows=ROWS)
def test_where_everybody_agrees_on_everything_each_method_agrees_too(method: str, rows) -> None:
    truth = {item: label for item, _, label in rows}
    table = CrowdTable.from_rows((item, worker, truth[item]) for item, worker, _ in rows)
    assert aggregator(method).settle(table).chosen == truth


def test_ties_favour_no_label() -> None:
    table = CrowdTable.from_rows(
        (f"i{i}", worker, label) for i in range(400) for worker, label in (("w1", "x"), ("w2", "y"))
    )
    chosen = list(aggregator("majority").settle(table).chosen.values())
    assert 160 < chosen.count("x") < 240


def test_who_gives_two_labels_has_one_vote_to_share() -> None:
    table = CrowdTable.from_rows([("i", "w1", "x"), ("i", "w1", "y"), ("i", "w2", "x")])
    assert table.shares.tolist() == [[0.75, 0.25]]


def test_no_vote_at_all_is_refused_with_a_remedy() -> None:
    with pytest.raises(CrowdError, match="Give at least one row"):
        CrowdTable.from_rows([])


def test_reliable_workers_outvote_a_careless_majority() -> None:
    table, truth = crowd(np.random.default_rng(3), [0.95, 0.95, 0.4, 0.4, 0.4], votes=5)
    assert accuracy(table, truth, DEFAULT_METHOD) > accuracy(table, truth, "majority") + 0.03


def test_a_worker_who_always_confuses_two_labels_is_understood() -> None:
    rng, swap = np.random.default_rng(5), {"x": "y", "y": "x", "z": "z"}
    rows, truth = [], {}
    for item in range(300):
        truth[f"i{item}"] = true = str(rng.choice(["x", "y", "z"]))
        answers = [true if rng.random() < 0.7 else str(rng.choice(["x", "y", "z"])) for _ in range(3)]
        rows += [(f"i{item}", f"w{w}", answer) for w, answer in enumerate([*answers, swap[true], swap[true]])]
    table = CrowdTable.from_rows(rows)
    assert accuracy(table, truth, DEFAULT_METHOD) > accuracy(table, truth, "majority") + 0.1


@pytest.mark.parametrize("seed", range(4))
def test_the_default_stays_by_the_majority_where_votes_are_too_few_to_learn_from(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table, truth = crowd(rng, list(rng.uniform(0.55, 0.85, 300)), items=300, votes=3, flat=False)
    assert accuracy(table, truth, DEFAULT_METHOD) > accuracy(table, truth, "majority") - 0.02


def test_a_report_counts_what_it_judged() -> None:
    table = CrowdTable.from_rows([("a", "w1", "x"), ("a", "w2", "x"), ("b", "w1", "y")])
    report = settle_crowd(table, {"a": "x", "b": "x", "c": "x"}, "majority")
    summary = report.summary()
    assert (summary["items"], summary["workers"], summary["votes"], summary["judged"]) == (2, 2, 3, 2)
    assert (summary["accuracy"], summary["unvoted"]) == (0.5, 1)
    assert report.answers() == [("a", "x", 1.0), ("b", "y", 1.0)]


def test_without_truth_there_is_no_accuracy() -> None:
    assert settle_crowd(CrowdTable.from_rows([("a", "w1", "x")])).summary()["accuracy"] is None


def test_an_unknown_method_is_answered_with_those_that_work() -> None:
    with pytest.raises(CrowdError, match=re.escape("hierarchical, majority")):
        aggregator("oracle")


@pytest.mark.parametrize("name", ["crowd-kit/mace", "mace"])
def test_without_crowd_kit_its_methods_are_not_listed_and_an_error_says_how_to_install_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("crowdkit", "crowdkit.aggregation"):
        monkeypatch.setitem(sys.modules, module, None)
    assert methods() == ("hierarchical", "majority")
    with pytest.raises(CrowdError, match=re.escape("pip install '.[crowd]'") + "$"):
        aggregator(name).settle(CrowdTable.from_rows([("a", "w1", "x")]))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # crowd-kit 1.4 under pandas 3.1
@pytest.mark.parametrize("name", CROWD_KIT)
def test_crowd_kits_methods_are_offered_by_name_and_settle_the_easy_case(name: str) -> None:
    pytest.importorskip("crowdkit", reason="needs crowd-kit (pip install '.[crowd]')")
    assert f"crowd-kit/{name}" in methods()
    table = CrowdTable.from_rows((f"i{i}", f"w{w}", "xy"[i % 2]) for i in range(6) for w in range(3))
    assert set(aggregator(f"crowd-kit/{name}").settle(table).chosen.values()) == {"x", "y"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_crowd_kits_probabilities_are_its_own_and_an_unknown_name_needs_no_installation() -> None:
    kit = pytest.importorskip("crowdkit.aggregation", reason="needs crowd-kit (pip install '.[crowd]')")
    pandas = pytest.importorskip("pandas")
    table, _ = crowd(np.random.default_rng(3), [0.9, 0.7, 0.6], items=30)
    frame = pandas.DataFrame({"task": table.item, "worker": table.worker, "label": table.label})
    expected = kit.OneCoinDawidSkene().fit_predict_proba(frame).sort_index().sort_index(axis=1).to_numpy()
    assert aggregator("crowd-kit/one-coin").settle(table).probabilities == pytest.approx(expected, abs=1e-9)
    with pytest.raises(CrowdError, match=r"Choose one of: hierarchical, .*crowd-kit/glad\.$"):
        aggregator("glad")
