"""Fitting traits: what a simulated ledger was made with comes out again."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tierbot.domain.feedback import PlainRule
from tierbot.domain.nouns import Arm, Post, ReactionEvent
from tierbot.domain.tags import default_tag_space
from tierbot.simulate.fit import FittedTrainer, NothingToFitError, fit_trainers, trainers_toml
from tierbot.simulate.reactions import Seen, reactions_to
from tierbot.simulate.teams import load_trainers
from tierbot.simulate.trainers import Kind, SimulatedTrainer

TAGS = default_tag_space()
MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
USUAL = SimulatedTrainer(
    "Usual", expertise=0.85, sibling_share=0.7, doubt=0.2, effort=0.9, delay_median=600.0, delay_spread=1.0,
    extra_tags=0.5, slip=0.0, unreact=0.0,
)  # fmt: skip
TEAM = [
    replace(USUAL, name="expert", expertise=0.97),
    replace(USUAL, name="novice", expertise=0.6, sibling_share=0.3),
    replace(USUAL, name="lazy", kind=Kind.LAZY, anchoring=0.7, effort=0.5),
    replace(
        USUAL,
        name="busy",
        activity=(0.3,) * 12 + (0.8,) * 12,
        delay_median=60.0,
        skin_tone=5,
        doubt=0.6,
        extra_tags=0.9,
    ),
    replace(USUAL, name="fickle", unreact=0.3, slip=0.2, notices=1.0),
    USUAL,
]


def ledger(
    team: list[SimulatedTrainer], count: int, seed: int = 0
) -> tuple[list[Post], dict[str, list[ReactionEvent]]]:
    """Play posts every ten minutes around the clock, half of the shown tags wrong, two true tags on every fifth."""
    rng = np.random.default_rng(seed)
    ids, arms = TAGS.ids[:12], (Arm.TIER, Arm.TIER, Arm.BLANK)
    posts, events = [], {}
    judged: Counter[str] = Counter()
    for i in range(count):
        true = tuple(str(tag) for tag in rng.choice(ids, 2 if i % 5 == 0 else 1, replace=False))
        shown = true[0] if rng.random() < 0.5 else str(rng.choice(ids))
        at = MONDAY + timedelta(minutes=10 * i)
        arm = arms[int(rng.integers(3))]
        post = Post(f"p{i}", f"q{i}", f"a{i}", 1, arm, 0.5, shown, "C1", at, ts=f"{i}.0", posted_at=at)
        posts.append(post)
        events[post.id] = reactions_to(Seen(post, true, at), team, TAGS, judged, rng)
    return posts, events


@pytest.fixture(scope="module")
def fitted() -> dict[str, FittedTrainer]:
    posts, events = ledger(TEAM, 2500)
    return {one.user: one for one in fit_trainers(posts, events, TAGS, PlainRule(), zone=UTC)}


def test_expertise_comes_out_again(fitted: dict[str, FittedTrainer]) -> None:
    for trainer in TEAM:
        assert fitted[trainer.name].trainer.expertise == pytest.approx(trainer.expertise, abs=0.08), trainer.name
    assert fitted["novice"].trainer.sibling_share < 0.45 < fitted["Usual"].trainer.sibling_share


def test_anchoring_comes_out_again_and_tells_the_lazy(fitted: dict[str, FittedTrainer]) -> None:
    assert fitted["lazy"].trainer.anchoring == pytest.approx(0.7, abs=0.08)
    assert fitted["lazy"].trainer.kind is Kind.LAZY
    for name in ("expert", "novice", "busy", "fickle", "Usual"):
        assert fitted[name].trainer.anchoring < 0.1
        assert fitted[name].trainer.kind is Kind.HONEST


def test_effort_activity_delay_and_tone_come_out_again(fitted: dict[str, FittedTrainer]) -> None:
    assert fitted["lazy"].trainer.effort == pytest.approx(0.5, abs=0.1)
    assert fitted["Usual"].trainer.effort == pytest.approx(0.9, abs=0.1)
    busy = fitted["busy"].trainer
    assert np.mean(busy.activity[:12]) == pytest.approx(0.3, abs=0.07)
    assert np.mean(busy.activity[12:]) == pytest.approx(0.8, abs=0.07)
    assert busy.delay_median == pytest.approx(60, rel=0.15)
    assert busy.delay_spread == pytest.approx(1.0, abs=0.1)
    assert (busy.skin_tone, fitted["Usual"].trainer.skin_tone) == (5, None)


def test_second_tags_slips_doubts_and_second_thoughts_come_out_again(fitted: dict[str, FittedTrainer]) -> None:
    fickle, usual = fitted["fickle"].trainer, fitted["Usual"].trainer
    assert fitted["busy"].trainer.extra_tags > 0.57 > usual.extra_tags + 0.1  # .9 and .5, from some forty such posts
    assert fickle.unreact == pytest.approx(0.3, abs=0.05)
    assert fickle.slip * fickle.notices == pytest.approx(0.2, abs=0.06)
    assert usual.unreact < 0.02 > usual.slip
    assert fitted["busy"].trainer.doubt > 0.35 > fitted["novice"].trainer.doubt


def test_with_few_votes_traits_stay_near_what_is_usual() -> None:
    posts, events = ledger([replace(USUAL, name="wrong", expertise=0.0, doubt=0.0), USUAL, TEAM[0]], 20)
    (wrong,) = (one for one in fit_trainers(posts, events, TAGS, PlainRule(), zone=UTC) if one.user == "wrong")
    assert 0.2 < wrong.trainer.expertise < 0.85


def test_names_are_not_told_and_the_busiest_comes_first(fitted: dict[str, FittedTrainer]) -> None:
    assert [one.trainer.name for one in fitted.values()] == [f"colleague-{i}" for i in range(1, 7)]
    assert [one.judged for one in fitted.values()] == sorted((one.judged for one in fitted.values()), reverse=True)


def test_the_hours_are_those_of_the_workspace() -> None:
    early = replace(USUAL, activity=(0.0,) * 8 + (1.0,) * 8 + (0.0,) * 8)
    posts, events = ledger([early, TEAM[0]], 1000)
    auckland = fit_trainers(posts, events, TAGS, PlainRule(), zone=ZoneInfo("Pacific/Auckland"))
    (found,) = (one.trainer for one in auckland if one.user == "Usual")
    assert min(found.activity[21:] + found.activity[:5]) > 0.6  # 8:00 in London, 21:00 in Auckland's summer
    assert max(found.activity[5:21]) < 0.3


def test_who_joined_late_is_not_blamed_for_what_came_before() -> None:
    posts, events = ledger([USUAL, TEAM[0]], 900)
    for i in range(600):
        events[f"p{i}"] = [event for event in events[f"p{i}"] if event.user != "Usual"]
    found = {one.user: one.trainer for one in fit_trainers(posts, events, TAGS, PlainRule(), zone=UTC)}
    assert np.mean(found["Usual"].activity) > 0.6


def test_the_bot_is_no_trainer_and_too_few_votes_are_refused() -> None:
    posts, events = ledger([USUAL, TEAM[0]], 12)
    one = fit_trainers(posts, events, TAGS, PlainRule(), zone=UTC, ignore=["expert"], fewest=5)
    assert [found.user for found in one] == ["Usual"]
    with pytest.raises(NothingToFitError, match="Nobody has judged 50 posts yet"):
        fit_trainers(posts, events, TAGS, PlainRule(), zone=UTC, fewest=50)
    with pytest.raises(NothingToFitError):
        fit_trainers([], {}, TAGS, PlainRule(), zone=UTC)


def test_fitted_trainers_are_read_back_from_their_file(fitted: dict[str, FittedTrainer], tmp_path: Path) -> None:
    team = [one.trainer for one in fitted.values()]
    team.append(replace(USUAL, name='Foe "x"', kind=Kind.ADVERSARIAL, target="law"))
    path = tmp_path / "team.toml"
    path.write_text(trainers_toml(team, "Fitted.\nTo a ledger."), encoding="utf-8")
    read = load_trainers(path, np.random.default_rng(0))
    assert [trainer.name for trainer in read] == [trainer.name for trainer in team]
    for before, after in zip(team, read, strict=True):
        assert after.kind is before.kind
        assert after.anchoring == pytest.approx(before.anchoring, abs=1e-4)
        assert after.activity == pytest.approx(before.activity, abs=1e-4)
        assert after.expertise_by_tag == pytest.approx(before.expertise_by_tag, abs=1e-4)
        assert (after.skin_tone, after.target) == (before.skin_tone, before.target)
