"""What is asked about: a fair random share, trending stories with exact probability, the rest where it teaches."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tierbot.domain.nouns import DIVERSE, MARGIN, RANDOM, REST, TRENDING, Selection
from tierbot.domain.predict.selection import SelectionMix, select, trending


def candidates(size: int, seed: int = 1) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return p, (size, 5), and unit-length embeddings, (size, 8)."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(size, 8))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return rng.dirichlet(np.ones(5), size), unit.astype(np.float32)


def framed(size: int, share: float = 0.5) -> NDArray[np.bool_]:
    """Return which of `size` candidates are in the sampling frame."""
    return SelectionMix(random=0.1, fair=share).frame([f"a{number}" for number in range(size)])


@given(
    size=st.integers(0, 40),
    count=st.integers(0, 45),
    carried=st.lists(st.integers(1, 4), min_size=40, max_size=40),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    fair=st.sampled_from([0.1, 0.5, 1.0]),
    seed=st.integers(0, 1000),
)
def test_whatever_trends_the_number_is_kept_and_nobody_is_asked_about_twice(
    size: int, count: int, carried: list[int], share: float, fair: float, seed: int
) -> None:
    p, vectors = candidates(size)
    inside = framed(size, fair)
    sources = np.array(carried[:size], dtype=np.int64)
    mix = SelectionMix(random=0.3, margin=0.5, trending=share)
    chosen = select(
        count,
        probabilities=p,
        embeddings=vectors,
        framed=inside,
        rng=np.random.default_rng(seed),
        mix=mix,
        sources=sources,
    )
    assert all(inside[row] == (selection.strategy == RANDOM) for row, selection in chosen)
    assert len(chosen) == len({row for row, _ in chosen}) == min(count, size)
    assert all(0 < selection.probability <= 1 for _, selection in chosen)
    assert all(sources[row] > 1 for row, selection in chosen if selection.strategy == TRENDING)


@given(st.integers(0, 1000), st.integers(1, 30))
def test_without_sources_nothing_trends_and_nothing_else_changes(seed: int, count: int) -> None:
    p, vectors = candidates(40)
    alone = np.ones(40, dtype=np.int64)
    chosen = [
        select(
            count,
            probabilities=p,
            embeddings=vectors,
            framed=framed(40),
            rng=np.random.default_rng(seed),
            mix=mix,
            sources=sources,
        )
        for mix, sources in ((SelectionMix(), None), (SelectionMix(trending=0.0), None), (SelectionMix(), alone))
    ]
    assert chosen[0] == chosen[1] == chosen[2]


def test_the_stories_of_most_sources_trend_first_and_the_fraction_is_drawn_with_its_exact_probability() -> None:
    rows, sources = np.arange(6), np.array([1, 3, 5, 3, 1, 2])
    assert trending(rows, sources, 2.0, np.random.default_rng(1)) == [
        (2, Selection(TRENDING, 1.0)),
        (1, Selection(TRENDING, 1.0)),
    ]
    rng, draws = np.random.default_rng(1), 20_000
    found = [trending(rows, sources, 1.25, rng) for _ in range(draws)]
    assert {one[0] for one in found} == {(2, Selection(TRENDING, 1.0))}
    second = [one[1] for one in found if len(one) == 2]
    assert {row for row, _ in second} == {1}
    assert {selection.probability for _, selection in second} == {0.25}
    assert len(second) / draws == pytest.approx(0.25, abs=4 * np.sqrt(0.19 / draws))


def test_a_tenth_of_what_is_not_random_trends_also_in_small_pushes() -> None:
    p, vectors = candidates(60)
    sources = np.ones(60, dtype=np.int64)
    sources[:20] = 3
    mix, rng, pushes = SelectionMix(random=0.4, margin=0.5, trending=0.1), np.random.default_rng(3), 2000
    counts: Counter[str] = Counter()
    for _ in range(pushes):
        chosen = select(5, probabilities=p, embeddings=vectors, framed=framed(60), rng=rng, mix=mix, sources=sources)
        counts.update(selection.strategy for _, selection in chosen)
    assert counts[RANDOM] == 2 * pushes
    assert counts[TRENDING] / pushes == pytest.approx(0.3, abs=0.05)


def test_the_frame_is_a_share_of_the_articles_that_never_changes() -> None:
    ids = [f"a{number}" for number in range(4000)]
    mix = SelectionMix()
    inside = mix.frame(ids)
    assert inside.mean() == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 4000))
    assert mix.frame(ids[::-1]).tolist() == inside[::-1].tolist()
    assert mix.frame([]).tolist() == []
    assert SelectionMix(random=1.0).frame(ids).all(), "all selection is random, so all of it is fair"


def test_the_frame_gives_way_in_both_directions_with_exact_probabilities() -> None:
    p, vectors = candidates(10)
    inside = np.arange(10) < 4

    def found(count: int, random: float) -> dict[str, list[float]]:
        mix = SelectionMix(random=random, margin=1.0)
        rng = np.random.default_rng(5)
        chosen = select(count, probabilities=p, embeddings=vectors, framed=inside, rng=rng, mix=mix)
        strategies: dict[str, list[float]] = {}
        for _, selection in chosen:
            strategies.setdefault(selection.strategy, []).append(selection.probability)
        return strategies

    assert found(6, 1.0) == {RANDOM: [1.0] * 4, REST: [2 / 6] * 2}, "the frame has too few"
    assert found(9, 0.1) == {RANDOM: [3 / 4] * 3, MARGIN: [1.0] * 6}, "what is outside the frame is too little"
    assert found(10, 0.1) == {RANDOM: [1.0] * 4, REST: [1.0] * 6}, "everything is selected"
    assert found(5, 0.4) == {RANDOM: [2 / 4] * 2, MARGIN: [1.0] * 3}


@pytest.mark.parametrize(("fair", "is_fair"), [(0.5, True), (0.0, False)])
def test_the_random_share_is_as_hard_as_what_arrives_though_hard_articles_are_asked_about_first(
    fair: float, is_fair: bool
) -> None:
    """Without a frame, easy articles pile up among those that wait, and so in a random sample of them."""
    rng, mix, waiting, sampled = np.random.default_rng(2), SelectionMix(random=0.3, margin=1.0), [], []
    for week in range(150):
        waiting += [(f"w{week}a{number}", hard) for number, hard in enumerate(rng.random(20))]
        hardness = np.array([hard for _, hard in waiting])
        p = np.column_stack([1 - hardness / 2, hardness / 2])
        inside = replace(mix, fair=0.5).frame([one for one, _ in waiting]) if fair else np.zeros(len(waiting), bool)
        vectors = np.ones((len(waiting), 1), np.float32)
        chosen = select(10, probabilities=p, embeddings=vectors, framed=inside, rng=rng, mix=mix)
        sampled += [hardness[row] for row, selection in chosen if selection.strategy in {RANDOM, REST}]
        taken = {row for row, _ in chosen}
        waiting = [one for row, one in enumerate(waiting) if row not in taken][-60:]
    error = abs(np.mean(sampled) - 0.5)
    assert (error < 4 * np.sqrt(1 / 12 / len(sampled))) == is_fair


@pytest.mark.parametrize(
    "shares", [{"fair": 1.5}, {"random": 0.0}, {"margin": 1.1}, {"trending": 1.1}, {"trending": -0.1}]
)
def test_shares_that_cannot_be_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="share is"):
        SelectionMix(**shares)


def test_all_is_random_at_first_and_the_other_shares_grow_with_the_verdicts() -> None:
    mix = SelectionMix(random=0.3, warmup=1000)
    assert [mix.after(verdicts).random for verdicts in (0, 500, 1000, 5000)] == pytest.approx([1, 0.65, 0.3, 0.3])
    assert SelectionMix(random=1.0).after(700).random == 1
    assert replace(mix, warmup=0).after(0) == replace(mix, warmup=0)


@given(st.floats(0.01, 1), st.integers(0, 3000))
def test_there_is_always_a_random_share_and_never_less_than_was_set(random: float, verdicts: int) -> None:
    assert random - 1e-9 <= SelectionMix(random=random).after(verdicts).random <= 1


@pytest.mark.parametrize(("verdicts", "expected"), [(0, (20, 0, 0)), (150, (13, 5, 2)), (300, (6, 10, 4))])
def test_the_rest_is_divided_between_small_margins_and_diversity(verdicts: int, expected: tuple[int, int, int]) -> None:
    p, vectors = candidates(60)
    mix = SelectionMix().after(verdicts)
    chosen = select(20, probabilities=p, embeddings=vectors, framed=framed(60), rng=np.random.default_rng(0), mix=mix)
    counts = Counter(selection.strategy for _, selection in chosen)
    assert (counts[RANDOM], counts[MARGIN], counts[DIVERSE]) == expected
