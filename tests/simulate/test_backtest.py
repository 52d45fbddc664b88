"""The backtest learns, measures honestly, and meets bad archives with a sensible outcome."""

import json
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from tests.support.archives import TOPICS, row, topical
from tests.support.backtests import SMALL, play
from tierbot.domain.nouns import TierbotError
from tierbot.settings import Settings
from tierbot.simulate.choices import AGGREGATORS, LEARNERS, POLICIES, SELECTIONS, BacktestSettings
from tierbot.simulate.teams import perfect_team
from tierbot.simulate.trainers import Kind, SimulatedTrainer


def test_it_learns_from_clicks_what_the_start_rows_did_not_tell() -> None:
    results = play(topical(750, words=2), replace(SMALL, start=0, posts_per_round=80))  # a dozen fair posts per round
    assert [result.round for result in results] == [1, 2, 3, 4, 5]
    first, last = results[0].accuracy["all"].value, results[-1].window_accuracy
    assert first is not None
    assert last is not None
    assert last > first + 0.2
    assert last > 0.85


def test_perfect_trainers_give_right_verdicts() -> None:
    for result in play(topical(300), replace(SMALL, rounds=2)):
        assert result.verdict_accuracy == 1.0
        assert result.verdicts == result.posts == 40
        assert result.clicks >= 2 * result.posts


def test_everything_but_the_time_repeats_with_the_seed() -> None:
    settings = replace(SMALL, trainers="default", rounds=2)
    one, two, other = (play(topical(250), settings, seed) for seed in (3, 3, 4))
    assert [replace(result, seconds=0) for result in one] == [replace(result, seconds=0) for result in two]
    assert [result.clicks for result in one] != [result.clicks for result in other]


def test_labels_that_are_chance_are_not_predicted_better_than_chance() -> None:
    rng = np.random.default_rng(5)
    tags = [list(TOPICS)[i] for i in rng.integers(5, size=500)]
    rows = [replace(one, tags=(tag,)) for one, tag in zip(topical(500), tags, strict=True)]
    results = play(rows, replace(SMALL, selection="random"))
    hits = sum(result.accuracy["all"].n * (result.accuracy["all"].value or 0) for result in results)
    asked = sum(result.accuracy["all"].n for result in results)
    assert asked > 200
    assert 0.1 < hits / asked < 0.3  # one in five


def test_every_article_is_asked_about_once_and_the_window_never() -> None:
    results = play(topical(300), replace(SMALL, arrivals=1.0))
    assert sum(result.posts for result in results) == 300 - 20 - 60
    assert {result.window_rows for result in results} == {60}


def test_what_is_reported_follows_the_verdicts_and_accuracy_the_truth() -> None:
    liars = tuple(SimulatedTrainer(f"L{i}", Kind.RANDOM) for i in range(3))
    lied_to = replace(SMALL, trainers=liars, minimum_voters=1, rounds=1)
    results = [result for seed in range(3) for result in play(topical(200), lied_to, seed)]
    for result in results:
        assert result.verdict_accuracy is not None
        assert result.verdict_accuracy < 0.4
        assert result.accuracy["all"].n == result.posts
        assert result.arrived_accuracy.n == 80
    assert any(result.reported["all"].value != result.accuracy["all"].value for result in results)


def test_each_round_is_one_line_of_json_with_what_was_promised() -> None:
    (result,) = play(topical(200), replace(SMALL, rounds=1))
    line = json.loads(json.dumps(asdict(result)))
    promised = {"round", "posts", "clicks", "verdict_accuracy", "accuracy", "window_accuracy", "model", "seconds"}
    assert promised <= set(line)
    assert set(line["accuracy"]) == {"all", "blank"}
    assert set(line["accuracy"]["blank"]) == {"n", "value", "low", "high"}


def test_votes_after_the_rounds_end_are_settled_later() -> None:
    slow = tuple(SimulatedTrainer(f"S{i}", delay_median=4 * 86_400.0) for i in range(3))
    first, second = play(topical(300), replace(SMALL, trainers=slow, rounds=2, arrivals=3))
    assert 0 < first.verdicts < first.posts
    assert "no new labels" not in second.reason


@pytest.mark.parametrize(
    "choice",
    [
        *({"policy": name} for name in POLICIES),
        *({"selection": name} for name in SELECTIONS),
        *({"learner": name} for name in LEARNERS),
        *({"aggregator": name} for name in AGGREGATORS),
        {"basic_share": 0.5},
        {"start_accuracy": 0.5},
    ],
)
def test_every_choice_can_be_played(choice: dict[str, Any]) -> None:
    (result,) = play(topical(200), replace(SMALL, trainers="default", rounds=1, **choice))
    assert result.verdicts > 20


def test_the_start_takes_as_many_rows_as_the_wanted_accuracy_does() -> None:
    rows = topical(600, words=2)
    low = play(rows, replace(SMALL, start_accuracy=0.5, rounds=1))
    high = play(rows, replace(SMALL, start_accuracy=0.8, rounds=1))
    assert (low[0].arrived_accuracy.value or 0) > 0.4
    assert (high[0].arrived_accuracy.value or 0) > 0.7
    with pytest.raises(TierbotError, match=r"No start model from this archive reaches 100% accuracy: .* rows reach"):
        play(
            [replace(one, tags=(list(TOPICS)[i % 5],)) for i, one in enumerate(rows)], replace(SMALL, start_accuracy=1)
        )


def test_the_defaults_are_the_live_bots() -> None:
    live = {name: item.default for name, item in Settings.model_fields.items()}
    ours = BacktestSettings()
    policy, mix = POLICIES[ours.policy], SELECTIONS[ours.selection]
    assert (policy.first, policy.last) == (live["exploration_start"], live["exploration_floor"])
    assert (mix.random, mix.trending) == (live["random_share"], live["trending_share"])
    names = ("blank_share", "basic_share", "minimum_voters")
    assert [getattr(ours, name) for name in names] == [live[name] for name in names]


# --- bad input ------------------------------------------------------------------------------------


def test_an_archive_with_one_tag_is_refused() -> None:
    with pytest.raises(TierbotError, match="at least two distinct tags, but the archive has 1"):
        play(topical(100, topics=("food",)))


def test_a_tag_never_seen_before_round_five_is_learned_from_then_on() -> None:
    early, late = topical(240, topics=("food", "law", "science"), words=2), topical(500, 1, ("music", "food"), words=2)
    rows = early + [replace(one, url=f"{one.url}/late", published_at=row(0, "", day=300 + i).published_at)
                    for i, one in enumerate(late)]  # fmt: skip
    results = play(rows, replace(SMALL, arrivals=1.0))
    fifth, last = results[5].accuracy["all"].value, results[-1].window_accuracy
    assert fifth is not None
    assert last is not None
    assert last > 0.8
    assert last > fifth


def test_empty_texts_titles_and_other_languages_are_played() -> None:
    rows = topical(150)
    odd = [
        row(1000, "", "food", text="pizza oven", day=30),
        row(1001, "", "food", day=31),  # nothing to read at all: left out
        row(1002, "裁判所は新しい判決を下した", "law", day=32),
        row(1003, "المحكمة العليا", "law", day=33),
        row(1004, "🍕🍕🍕", "food", day=34),
    ]
    results = play(rows + odd, replace(SMALL, window=10, arrivals=1.0))
    assert sum(result.posts for result in results) == 154 - 20 - 10


def test_texts_of_twenty_thousand_words_are_played() -> None:
    long = [row(500 + i, "long", "food", text="pizza " * 20_000, day=40 + i) for i in range(3)]
    results = play(topical(100) + long, replace(SMALL, window=10, arrivals=1.0))
    assert sum(result.posts for result in results) == 103 - 20 - 10


def test_duplicate_ids_and_missing_dates_are_played() -> None:
    rows = [replace(one, id="same", published_at=None) for one in topical(150)]
    results = play(rows, replace(SMALL, arrivals=1.0, window=30))
    assert sum(result.posts for result in results) == 150 - 20 - 30


def test_a_team_of_adversaries_is_survived_and_shows() -> None:
    foes = tuple(SimulatedTrainer(f"F{i}", Kind.ADVERSARIAL, target=tag) for i, tag in enumerate(["food"] * 3))
    friends = play(topical(300), replace(SMALL, rounds=3))
    results = play(topical(300), replace(SMALL, rounds=3, trainers=foes))
    assert results[-1].verdict_accuracy is not None
    assert results[-1].verdict_accuracy < (friends[-1].verdict_accuracy or 0)
    assert (results[-1].window_accuracy or 0) <= (friends[-1].window_accuracy or 0)


def test_a_round_without_a_single_reaction_changes_nothing() -> None:
    nobody = (SimulatedTrainer("Away", activity=(0.0,) * 24),)
    first, second = play(topical(300), replace(SMALL, trainers=nobody, rounds=2))
    assert (first.clicks, first.verdicts, first.verdict_accuracy) == (0, 0, None)
    assert (first.model, first.promoted) == ("m0000", False)
    assert first.reason == "kept: this round has no new labels"
    assert first.window_accuracy == second.window_accuracy
    assert first.reported["all"].value is None


def test_a_team_of_one_needs_no_second_voter() -> None:
    (result,) = play(topical(200), replace(SMALL, trainers=(perfect_team(1)[0],), rounds=1))
    assert result.verdicts == result.posts


def test_an_archive_too_small_says_so() -> None:
    with pytest.raises(TierbotError, match="a start of 20 and a window of 4 leave none to ask about"):
        play(topical(20))


def test_a_small_archive_gets_a_small_start_and_window() -> None:
    results = play(topical(50), BacktestSettings(trainers="perfect", posts_per_round=10, arrivals=1.0))
    assert sum(result.posts for result in results) == 50 - 5 - 10


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"policy": "bold"}, "Unknown policy 'bold'. Choose one of: explore, greedy"),
        ({"selection": "best"}, "Unknown selection 'best'"),
        ({"learner": "deep"}, "Unknown learner 'deep'"),
        ({"aggregator": "vote"}, "Unknown aggregator 'vote'"),
        ({"start": -1}, "start is -1. Use a number of at least 0"),
        ({"start_accuracy": 1.5}, "start accuracy is 1.5. Use a number from 0 to 1"),
        ({"window": -3}, "window is -3"),
        ({"posts_per_round": 0}, "posts per round is 0. Use a number of at least 1"),
        ({"rounds": 0}, "rounds is 0"),
        ({"arrivals": 0.5}, "arrivals per post is 0.5"),
        ({"minimum_voters": 0}, "minimum of voters is 0"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(TierbotError, match=said):
        replace(SMALL, **wrong)


def test_an_unknown_file_of_trainers_is_named() -> None:
    with pytest.raises(TierbotError, match=r"nowhere.toml: cannot be read"):
        play(topical(100), replace(SMALL, trainers="nowhere.toml"))
    with pytest.raises(TierbotError, match="The team has no trainers"):
        play(topical(100), replace(SMALL, trainers=()))
