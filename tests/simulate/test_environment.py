"""The Gymnasium environment passes Gymnasium's own checker and rewards what is true."""

import sys

import numpy as np
import pytest

from tests.support.archives import TOPICS, topical
from tierbot.adapters.encoders.hashing import HashingEncoder
from tierbot.domain.nouns import Arm, TierbotError
from tierbot.simulate.archive import labeled_archive
from tierbot.simulate.teams import perfect_team
from tierbot.simulate.trainers import SimulatedTrainer

pytest.importorskip("gymnasium", reason='gymnasium is not installed (pip install ".[gym]")')

from gymnasium.utils.env_checker import check_env

from tierbot.simulate.environment import TierEnv

ARCHIVE = labeled_archive(topical(50), np.random.default_rng(0))


def env(*trainers: SimulatedTrainer, length: int = 20, arm: Arm = Arm.TIER) -> TierEnv:
    return TierEnv(ARCHIVE, HashingEncoder(), trainers or perfect_team(3), length=length, arm=arm)


def test_it_passes_gymnasiums_own_checker() -> None:
    check_env(env(), skip_render_check=True)


def test_showing_a_true_tag_earns_one_and_a_false_one_nothing() -> None:
    game = env()
    game.reset(seed=1, options={"start": 0})
    for row in range(10):
        (true,) = ARCHIVE.true_tags[row]
        place = game.tag_ids.index(true)
        wanted = row % 2 == 0
        _, reward, terminated, _, info = game.step(np.int64(place if wanted else (place + 1) % len(TOPICS)))
        assert reward == float(wanted)
        assert info["true_tags"] == (true,)
        assert not terminated


def test_an_episode_ends_after_its_length_by_truncation() -> None:
    game = env(length=3)
    game.reset(seed=1)
    assert [game.step(np.int64(0))[3] for _ in range(3)] == [False, False, True]


def test_the_same_seed_plays_the_same_episode() -> None:
    team = [SimulatedTrainer("A", expertise=0.5, delay_spread=1.0), SimulatedTrainer("B", anchoring=0.5)]
    played = []
    for _ in range(2):
        game = env(*team)
        first, _ = game.reset(seed=7)
        played.append([first.tolist(), *[game.step(np.int64(i % 5))[1] for i in range(20)]])
    assert played[0] == played[1]


def test_without_a_voter_nothing_is_earned() -> None:
    game = env(SimulatedTrainer("Away", activity=(0.0,) * 24))
    game.reset(seed=1)
    _, reward, _, _, info = game.step(np.int64(0))
    assert (reward, info["voters"]) == (0.0, 0)


def test_there_is_no_action_in_the_blank_arm_and_no_game_without_articles() -> None:
    with pytest.raises(TierbotError, match="shows no tag"):
        env(arm=Arm.BLANK)
    with pytest.raises(TierbotError, match="Both must be at least 1"):
        env(length=0)


def test_without_gymnasium_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tierbot.simulate.environment")
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(TierbotError, match=r"pip install \".\[gym\]\""):
        import tierbot.simulate.environment  # noqa: F401
