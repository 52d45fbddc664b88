"""The laws of simulated trainers: what each trait does, at its ends and by frequency."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.votes import NOON
from tierbot.domain.nouns import Arm, Source, Tag
from tierbot.domain.tags import TagSpace, default_tag_space
from tierbot.simulate.teams import perfect_team
from tierbot.simulate.trainers import HOURS, SHARES, Kind, SimulatedTrainer, TrainerError, View, decide

TAGS = default_tag_space()
PERFECT = SimulatedTrainer("Perfect")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def view(arm: Arm = Arm.TIER, shown: str = "food", true: tuple[str, ...] = ("food",), **changes: Any) -> View:
    prefilled = {Arm.TIER: (TAGS[shown].short_name,), Arm.BASIC: ("+1", "-1", "confused"), Arm.BLANK: ()}[arm]
    named = None if arm is Arm.BLANK else shown
    return replace(View(arm, named, prefilled, {}, true, TAGS, 10), **changes)


def emoji(*tag_ids: str) -> list[str]:
    return [TAGS[tag].short_name for tag in tag_ids]


def clicked(trainer: SimulatedTrainer, seen: View, seed: int = 0) -> list[str]:
    return [act.name for act in decide(trainer, seen, rng(seed))]


def share(trainer: SimulatedTrainer, seen: View, wanted: list[str], times: int = 2000) -> float:
    generator = rng(1)
    return float(np.mean([[act.name for act in decide(trainer, seen, generator)] == wanted for _ in range(times)]))


# --- any trainer, any view ------------------------------------------------------------------------

TAG_IDS = st.sampled_from(TAGS.ids)
PROBABILITY = st.floats(0, 1)
TRAINERS = st.builds(
    lambda kind, shares, tone, target, hour: SimulatedTrainer(
        "Any",
        kind,
        skin_tone=tone,
        target=target if kind is Kind.ADVERSARIAL else None,
        activity=(hour,) * HOURS,
        delay_spread=1.0,
        **shares,
    ),
    st.sampled_from(Kind),
    st.fixed_dictionaries(dict.fromkeys(SHARES, PROBABILITY)),
    st.sampled_from([None, 2, 6]),
    TAG_IDS,
    st.floats(0.5, 1),
)
VIEWS = st.builds(
    lambda arm, shown, true, visible, hour, judged: view(
        arm, shown, tuple(true), visible=visible, hour=hour, judged_today=judged
    ),
    st.sampled_from(Arm),
    TAG_IDS,
    st.lists(TAG_IDS | st.just("not-in-the-space"), max_size=4),
    st.dictionaries(st.sampled_from([*emoji(*TAGS.ids), "+1", "-1", "tada"]), st.integers(1, 5), max_size=3),
    st.integers(0, 23),
    st.integers(0, 200),
)
SEEDS = st.integers(0, 2**32)


@given(TRAINERS, VIEWS, SEEDS)
def test_the_same_seed_gives_the_same_acts(trainer: SimulatedTrainer, seen: View, seed: int) -> None:
    assert decide(trainer, seen, rng(seed)) == decide(trainer, seen, rng(seed))


@given(TRAINERS, VIEWS, SEEDS)
def test_acts_come_in_order_and_only_what_was_added_is_removed(
    trainer: SimulatedTrainer, seen: View, seed: int
) -> None:
    standing: set[tuple[str, Source]] = set()
    acts = decide(trainer, seen, rng(seed))
    assert [act.delay_seconds for act in acts] == sorted(act.delay_seconds for act in acts)
    for act in acts:
        assert act.delay_seconds > 0
        assert ((act.name, act.source) in standing) != act.added
        standing ^= {(act.name, act.source)}


@given(TRAINERS, VIEWS, SEEDS)
def test_every_click_is_an_answer(trainer: SimulatedTrainer, seen: View, seed: int) -> None:
    for act in decide(trainer, seen, rng(seed)):
        if act.source is Source.MENU:
            assert act.name in TAGS
        else:
            assert TAGS.by_emoji(act.name) or act.name.split("::")[0] in {"+1", "-1", "confused"}


@given(VIEWS.filter(lambda seen: set(seen.true_tags) & set(TAGS.ids)), SEEDS)
def test_a_perfect_trainer_names_exactly_the_true_tags(seen: View, seed: int) -> None:
    said = clicked(PERFECT, replace(seen, visible={}), seed)
    true = {tag for tag in seen.true_tags if tag in TAGS}
    if seen.arm is Arm.BASIC:
        assert said == ["+1" if seen.shown_tag in true else "-1"]
    else:
        assert sorted(said) == sorted(emoji(*true))


@given(TRAINERS.filter(lambda t: t.kind is not Kind.RANDOM), VIEWS.filter(lambda v: v.prefilled), SEEDS)
def test_full_anchoring_always_clicks_the_prefill(trainer: SimulatedTrainer, seen: View, seed: int) -> None:
    anchored = replace(trainer, anchoring=1.0, slip=0.0, unreact=0.0, activity=(1.0,) * HOURS, fatigue=0.0)
    assert clicked(anchored, seen, seed) == [seen.prefilled[0]]


# --- what each arm asks for -----------------------------------------------------------------------


def test_in_the_tier_arm_the_prefill_is_confirmed_or_the_right_tag_added() -> None:
    assert clicked(PERFECT, view(Arm.TIER, "food", ("food",))) == emoji("food")
    assert clicked(PERFECT, view(Arm.TIER, "food", ("football",))) == emoji("football")


def test_what_is_shown_is_clicked_before_the_further_true_tags() -> None:
    for seed in range(10):
        assert clicked(PERFECT, view(Arm.TIER, "food", ("health", "food")), seed) == emoji("food", "health")


def test_in_the_blank_arm_the_tag_is_picked_by_its_emoji() -> None:
    assert clicked(PERFECT, view(Arm.BLANK, "food", ("football",))) == emoji("football")


def test_where_no_tag_fits_the_prediction_is_rejected_and_a_blank_post_left_alone() -> None:
    assert clicked(PERFECT, view(Arm.TIER, "food", ("not-in-the-space",))) == ["-1"]
    assert clicked(PERFECT, view(Arm.BASIC, "food", ())) == ["-1"]
    assert clicked(PERFECT, view(Arm.BLANK, "food", ())) == []


def test_a_retired_tag_cannot_be_named() -> None:
    tags = TAGS.updated([tag for tag in TAGS.active if tag.id != "football"], NOON)
    assert clicked(PERFECT, view(Arm.BLANK, true=("football",), tags=tags)) == []


def test_without_effort_a_wrong_prefill_gets_a_thumb_and_a_blank_post_nothing() -> None:
    idle = replace(PERFECT, effort=0.0)
    assert clicked(idle, view(Arm.TIER, "food", ("law",))) == ["-1"]
    assert clicked(idle, view(Arm.BLANK, "food", ("law",))) == []
    assert clicked(idle, view(Arm.TIER, "law", ("law",))) == emoji("law")  # a pill costs no effort


def test_doubt_says_so_where_a_tag_is_named() -> None:
    unsure = replace(PERFECT, expertise=0.0, doubt=1.0)
    assert clicked(unsure, view(Arm.TIER)) == ["confused"]
    assert clicked(unsure, view(Arm.BASIC)) == ["confused"]
    assert clicked(unsure, view(Arm.BLANK)) == []


# --- traits ---------------------------------------------------------------------------------------


def test_expertise_is_the_share_of_true_tags_recognised() -> None:
    fair = replace(PERFECT, expertise=0.1, expertise_by_tag={"law": 0.7})
    assert share(fair, view(Arm.BLANK, true=("law",)), emoji("law")) == pytest.approx(0.7, abs=0.04)
    assert share(fair, view(Arm.BLANK, true=("food",)), emoji("food")) == pytest.approx(0.1, abs=0.03)


def test_mistakes_fall_on_siblings_by_their_share() -> None:
    confused = replace(PERFECT, expertise=0.0, sibling_share=1.0)
    siblings = set(emoji(*TAGS["law"].siblings))
    assert {clicked(confused, view(Arm.BLANK, true=("law",)), seed)[0] for seed in range(40)} == siblings


def test_anchoring_is_the_share_of_clicks_without_reading() -> None:
    lazy = replace(PERFECT, anchoring=0.6)
    assert share(lazy, view(Arm.TIER, "food", ("law",)), emoji("food")) == pytest.approx(0.6, abs=0.04)
    assert share(lazy, view(Arm.BASIC, "food", ("law",)), ["+1"]) == pytest.approx(0.6, abs=0.04)
    assert share(lazy, view(Arm.BLANK, "food", ("law",)), emoji("law")) == 1.0


def test_herding_grows_with_the_visible_count() -> None:
    herd = replace(PERFECT, herding=0.8)
    seen = view(Arm.BLANK, true=("law",))
    one = share(herd, replace(seen, visible={TAGS["food"].short_name: 1}), emoji("food"))
    four = share(herd, replace(seen, visible={TAGS["food"].short_name: 4, "tada": 9}), emoji("food"))
    assert one == pytest.approx(0.4, abs=0.04)
    assert four == pytest.approx(0.64, abs=0.04)


def test_activity_follows_the_hour() -> None:
    owl = replace(PERFECT, activity=(0.5,) + (0.0,) * (HOURS - 1))
    assert share(owl, view(hour=0), emoji("food")) == pytest.approx(0.5, abs=0.04)
    assert share(owl, view(hour=12), emoji("food")) == 0.0


def test_fatigue_makes_trainers_judge_less_and_read_less() -> None:
    tired = replace(PERFECT, fatigue=0.01)
    seen = view(Arm.TIER, "food", ("law",), judged_today=100)
    attention = 0.99**100
    assert share(tired, seen, []) == pytest.approx(1 - attention, abs=0.04)
    assert share(tired, seen, emoji("law")) == pytest.approx(attention**2, abs=0.04)


def test_extra_tags_is_the_share_of_further_true_tags_named() -> None:
    brief = replace(PERFECT, extra_tags=0.25)
    seen = view(Arm.TIER, "food", ("food", "health"))
    assert share(brief, seen, emoji("food", "health")) == pytest.approx(0.25, abs=0.04)


def test_a_noticed_slip_is_taken_back_and_the_right_tag_added() -> None:
    clumsy = replace(PERFECT, slip=1.0, notices=1.0)
    wrong, back, right = decide(clumsy, view(Arm.BLANK, true=("law",)), rng())
    assert wrong.name not in emoji("law")
    assert (back.name, back.added) == (wrong.name, False)
    assert (right.name, right.added) == (*emoji("law"), True)
    assert len(decide(replace(clumsy, notices=0.0), view(), rng())) == 1


def test_a_second_thought_takes_the_click_back() -> None:
    acts = decide(replace(PERFECT, unreact=1.0), view(), rng())
    assert [(act.name, act.added) for act in acts] == [(*emoji("food"), True), (*emoji("food"), False)]


def test_a_tag_can_be_named_by_the_menu_unless_its_pill_is_there() -> None:
    by_menu = replace(PERFECT, menu=1.0)
    (act,) = decide(by_menu, view(Arm.BLANK, true=("law",)), rng())
    assert (act.name, act.source) == ("law", Source.MENU)
    assert clicked(by_menu, view(Arm.TIER, "law", ("law",))) == emoji("law")


def test_a_skin_tone_is_worn_from_the_picker_and_not_on_a_pill() -> None:
    toned = replace(PERFECT, effort=0.0, skin_tone=4)
    assert clicked(toned, view(Arm.TIER, "food", ("law",))) == ["-1::skin-tone-4"]
    assert clicked(toned, view(Arm.BASIC, "food", ("law",))) == ["-1"]


def test_delays_are_log_normal_around_their_median() -> None:
    slow = replace(PERFECT, delay_median=600.0, delay_spread=1.0)
    generator = rng(3)
    logs = np.log([decide(slow, view(), generator)[0].delay_seconds for _ in range(2000)])
    assert np.exp(np.median(logs)) == pytest.approx(600, rel=0.1)
    assert np.std(logs) == pytest.approx(1.0, abs=0.06)


# --- kinds ----------------------------------------------------------------------------------------


def test_an_adversary_inverts_its_target_and_nothing_else() -> None:
    foe = SimulatedTrainer("Foe", Kind.ADVERSARIAL, target="law")
    siblings = emoji(*TAGS["law"].siblings)
    assert clicked(foe, view(Arm.TIER, "law", ("law",)))[0] in siblings
    assert clicked(foe, view(Arm.BLANK, true=("law",)))[0] in siblings
    assert clicked(foe, view(Arm.TIER, "law", ("food",))) == emoji("law")
    assert clicked(foe, view(Arm.BASIC, "law", ("law",))) == ["-1"]
    assert clicked(foe, view(Arm.BASIC, "law", ("food",))) == ["+1"]
    assert clicked(foe, view(Arm.BLANK, true=TAGS["law"].siblings[:1])) == emoji("law")
    assert clicked(foe, view(Arm.TIER, "food", ("food",))) == emoji("food")


def test_an_adversary_without_another_tag_to_name_is_silent() -> None:
    alone = TagSpace([Tag("law", "Law", "scales", "⚖️", "Courts")])
    foe = SimulatedTrainer("Foe", Kind.ADVERSARIAL, target="law")
    assert clicked(foe, view(Arm.BLANK, true=("law",), tags=alone)) == []


def test_a_random_trainer_answers_without_reading() -> None:
    generator = rng(2)
    chance = SimulatedTrainer("Chance", Kind.RANDOM)
    named = [decide(chance, view(Arm.TIER), generator)[0].name for _ in range(1500)]
    assert set(named) == set(emoji(*TAGS.ids))
    assert {decide(chance, view(Arm.BASIC), generator)[0].name for _ in range(60)} == {"+1", "-1", "confused"}


def test_a_farmer_takes_the_cheapest_click() -> None:
    farmer = SimulatedTrainer("Farmer", Kind.FARMER, anchoring=1.0, herding=1.0)
    assert clicked(farmer, view(Arm.TIER, "food", ("law",))) == emoji("food")
    assert len({clicked(farmer, view(Arm.BLANK, true=("law",)), seed)[0] for seed in range(30)}) > 10


# --- what cannot be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"expertise": 1.2}, "expertise is 1.2. Use a number from 0 to 1"),
        ({"slip": float("nan")}, "slip is nan"),
        ({"expertise_by_tag": {"law": -1}}, "expertise_by_tag of 'law' is -1"),
        ({"activity": (0.5,)}, "activity has 1 values. Use 24"),
        ({"activity": (2.0,) * HOURS}, "activity at hour 0 is 2.0"),
        ({"delay_median": 0.0}, "delay_median is 0.0"),
        ({"skin_tone": 7}, "skin_tone is 7. Use 2 to 6"),
        ({"kind": Kind.ADVERSARIAL}, "Adversarial trainers need a target"),
        ({"target": "law"}, "the others can't have one"),
    ],
)
def test_an_impossible_trainer_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainerError, match=said):
        replace(PERFECT, **wrong)


def test_perfect_teams_have_as_many_trainers_as_asked_for() -> None:
    assert len({trainer.name for trainer in perfect_team(5)}) == 5
