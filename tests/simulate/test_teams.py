"""TfIdfWeights teams from TOML: what a file can say, and how a mistake in it is refused."""

from pathlib import Path

import numpy as np
import pytest

from tierbot.domain.tags import default_tag_space
from tierbot.simulate.teams import demo_team, load_trainers
from tierbot.simulate.trainers import HOURS, Kind, TrainerError

IDS = default_tag_space().ids


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def written(folder: Path, text: str) -> Path:
    path = folder / "team.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_team_is_nine_honest_and_three_lazy() -> None:
    team = load_trainers(None, rng(), IDS)
    assert [trainer.kind for trainer in team] == [Kind.HONEST] * 9 + [Kind.LAZY] * 3
    assert len({trainer.name for trainer in team}) == 12
    assert all(0.4 <= trainer.anchoring <= 0.9 for trainer in team[9:])
    assert all(set(trainer.expertise_by_tag) == set(IDS) for trainer in team)


def test_expertise_per_tag_scatters_around_the_trainers_own() -> None:
    team = load_trainers(None, rng(), IDS)
    for trainer in team:
        drawn = np.array(list(trainer.expertise_by_tag.values()))
        assert drawn.mean() == pytest.approx(trainer.expertise, abs=0.07)
        assert drawn.std() > 0.03


def test_the_same_seed_gives_the_same_team() -> None:
    assert load_trainers(None, rng(4), IDS) == load_trainers(None, rng(4), IDS)
    assert demo_team(8, rng(4), IDS) == demo_team(8, rng(4), IDS)
    assert demo_team(8, rng(4), IDS) != demo_team(8, rng(5), IDS)


def test_a_file_says_only_what_differs(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        [traits]
        slip = 0.5
        [kind.lazy]
        slip = 0.25
        [[trainer]]
        name = "Zoe"
        expertise_by_tag = { law = 1.0 }
        [[trainer]]
        kind = "lazy"
        count = 2
        activity = 0.5
        [[trainer]]
        kind = "farmer"
        [[trainer]]
        kind = "adversarial"
        target = "law"
        """,
    )
    zoe, first, second, farmer, foe = load_trainers(path, rng(), IDS)
    assert (zoe.name, zoe.kind, zoe.slip, zoe.expertise_by_tag["law"]) == ("Zoe", Kind.HONEST, 0.5, 1.0)
    assert (first.name, second.name, first.slip, second.activity) == ("lazy-1", "lazy-2", 0.25, (0.5,) * HOURS)
    assert first.anchoring != second.anchoring  # each draws their own
    assert (farmer.anchoring, farmer.slip) == (1.0, 0.5)
    assert foe.target == "law"


def test_an_adversary_without_a_target_draws_one(tmp_path: Path) -> None:
    path = written(tmp_path, '[[trainer]]\nkind = "adversarial"\ncount = 30')
    assert len({trainer.target for trainer in load_trainers(path, rng(), IDS)}) > 10
    with pytest.raises(TrainerError, match="Adversarial trainers need a target"):
        load_trainers(path, rng())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"no trainers. Write at least one \[\[trainer\]\]"),
        ("trainer = 3", "no trainers"),
        ("[[trainer", "Fix the TOML there"),
        ("[[trainers]]", "unknown key 'trainers'. Use "),
        ('[[trainer]]\nkind = "evil"', r"\[\[trainer\]\] 1: unknown kind 'evil'. Use one of adversarial, farmer"),
        ("[[trainer]]\n[[trainer]]\nlazyness = 1", r"\[\[trainer\]\] 2: unknown key 'lazyness'"),
        ("[[trainer]]\ncount = 0", "count is 0. Use a whole number from 1"),
        ("[[trainer]]\nexpertise = 1.5", "expertise is 1.5. Use a number from 0 to 1"),
        ('[[trainer]]\nexpertise = "high"', r"expertise is 'high'. Use a number, or \[low, high\]"),
        ("[[trainer]]\nexpertise = [0.9, 0.1]", "Put the lower end first"),
        ("[[trainer]]\nexpertise_by_tag = 3", "expertise_by_tag isn't a table"),
        ("[[trainer]]\nactivity = [1.0]", "activity has 1 values"),
        ('[[trainer]]\nactivity = "noon"', "activity is 'noon'. Use a number, or 24"),
        ("[[trainer]]\nskin_tone = 1", "skin_tone is 1"),
        ("[traits]\nspeed = 1\n[[trainer]]", r"\[traits\]: unknown key 'speed'"),
        ("[kind.evil]\n[[trainer]]", r"\[kind\]: unknown key 'evil'"),
        ("[kind]\nlazy = 3\n[[trainer]]", "kind.lazy isn't a table"),
        ("traits = 3\n[[trainer]]", "traits and kind must be tables"),
    ],
)
def test_a_mistake_names_the_file_the_place_and_the_remedy(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(TrainerError, match=said) as caught:
        load_trainers(path, rng(), IDS)
    assert str(path) in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainerError, match=r"nowhere.toml: cannot be read"):
        load_trainers(tmp_path / "nowhere.toml", rng())
    (tmp_path / "team.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(TrainerError, match=r"team.toml: cannot be read \('utf-8'"):
        load_trainers(tmp_path / "team.toml", rng())


def test_the_demo_team_differs_in_expertise_and_speed_and_some_click_unread() -> None:
    team = demo_team(8, rng(), IDS)
    assert len({trainer.name for trainer in team}) == 8
    assert len({trainer.expertise for trainer in team}) > 4
    assert len({trainer.delay_median for trainer in team}) > 6
    assert sum(trainer.anchoring > 0.3 for trainer in team) == 2


def test_a_demo_team_can_be_any_size() -> None:
    assert len({trainer.name for trainer in demo_team(40, rng())}) == 40
    assert [trainer.name for trainer in demo_team(2, rng())] == ["Ada", "Bruno"]
    with pytest.raises(TrainerError, match="Use at least 1"):
        demo_team(0, rng())
