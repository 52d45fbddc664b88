"""Settling in the live bot: by the rule that is set, the same from the same ledger, frozen rounds left alone."""

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tierbot.domain.nouns import Arm, Outcome, Post, Verdict
from tierbot.domain.tags import default_tag_space
from tierbot.use_cases import recent_posts


def learned(folder: Path, **changes: object) -> Harness:
    folder.mkdir(exist_ok=True)
    return build_harness(folder, aggregator="anchor-aware", **changes)


def verdicts(harness: Harness) -> dict[str, Verdict]:
    with harness.bot.store.read(WORKSPACE) as tx:
        rounds = [one.number for one in tx.rounds.all()]
        return tx.verdicts.latest([post.id for number in rounds for post in tx.posts.in_round(number)])


def post_of(harness: Harness, ts: str) -> Post:
    with harness.bot.store.read(WORKSPACE) as tx:
        post = tx.posts.at("C1", ts)
    assert post is not None
    return post


def play(harness: Harness, posts: int = 30, seed: int = 0, *, settled_at_once: int = 10) -> list[str]:
    """Let three careful people name 🍕 on every post, and three others click whatever is on display."""
    rng = np.random.default_rng(seed)
    placed = harness.posts(posts)

    def judge(ts: str) -> None:
        led = post_of(harness, ts).arm is not Arm.BLANK
        for who in range(6):
            if who < 3 or not led:
                harness.react(f"U{who}", ts, "pizza" if rng.random() < 0.97 else "rocket")
            else:
                harness.react(f"U{who}", ts, harness.emoji(ts))

    for at in range(0, len(placed), settled_at_once):
        for ts in placed[at : at + settled_at_once]:
            judge(ts)
        harness.settle()
    return placed


def test_each_verdict_says_which_rule_it_rests_on(tmp_path: Path, harness: Harness) -> None:
    (ts,) = harness.posts(1)
    for user in ("U1", "U2"):
        harness.react(user, ts, harness.emoji(ts))
    harness.settle()
    (plain,) = verdicts(harness).values()
    assert plain.aggregator.startswith("plain-1(")
    other = learned(tmp_path / "learned")
    (ts,) = other.posts(1)
    for user in ("U1", "U2"):
        other.react(user, ts, other.emoji(ts))
    other.settle()
    (found,) = verdicts(other).values()
    assert found.aggregator.startswith("anchor-1(min=2,")
    assert found.aggregator.endswith("@ledger<=2,posts=1")
    assert found.outcome is Outcome.NAMED
    other.bot.close()


def test_the_anchor_aware_rule_sees_through_clicks_on_what_is_shown(tmp_path: Path) -> None:
    food = next(tag.id for tag in default_tag_space().active if tag.short_name == "pizza")
    wrongly = {}
    for rule in ("plain", "anchor-aware"):
        (tmp_path / rule).mkdir()
        harness = build_harness(tmp_path / rule, aggregator=rule)
        play(harness)
        harness.bot.loop.close_round(WORKSPACE)
        named = [one for one in verdicts(harness).values() if one.outcome is Outcome.NAMED]
        wrongly[rule] = sum(set(one.tags) != {food} for one in named)
        assert len(named) > 25
        harness.bot.close()
    assert wrongly["plain"] > 15  # three of six click what is shown: a third is enough
    assert wrongly["anchor-aware"] < 5


def test_the_same_ledger_gives_the_same_verdicts_however_often_it_was_settled_in_between(tmp_path: Path) -> None:
    one, other = learned(tmp_path / "one"), learned(tmp_path / "other")
    play(one, settled_at_once=5)
    play(other, settled_at_once=30)
    for harness in (one, other):
        harness.bot.loop.close_round(WORKSPACE)
    found, again = verdicts(one), verdicts(other)
    assert found.keys() == again.keys()
    for post_id, verdict in found.items():
        assert (verdict.outcome, verdict.tags.keys()) == (again[post_id].outcome, again[post_id].tags.keys())
        assert verdict.weight == pytest.approx(again[post_id].weight, abs=0.011)
    one.bot.close()
    other.bot.close()


def test_verdicts_of_a_frozen_round_move_only_when_their_own_votes_do(tmp_path: Path) -> None:
    harness = learned(tmp_path / "learned")
    first = play(harness, 20)
    harness.bot.loop.close_round(WORKSPACE)
    before = verdicts(harness)
    play(harness, 20, seed=1)
    harness.bot.loop.close_round(WORKSPACE)
    after = verdicts(harness)
    assert {post_id: after[post_id] for post_id in before} == before
    late = post_of(harness, first[0]).id
    harness.react("U9", first[0], "pizza")
    harness.settle()
    now = verdicts(harness)
    assert now[late].voters == before[late].voters + 1
    assert {id_: one for id_, one in now.items() if id_ != late} == {
        id_: one for id_, one in after.items() if id_ != late
    }
    harness.bot.close()


def test_closing_twice_writes_no_verdict_that_says_the_same(tmp_path: Path) -> None:
    harness = learned(tmp_path / "learned")
    play(harness, 10)
    rule = harness.bot.loop.rounds.settlement
    rule.settle_round(WORKSPACE)
    assert rule.settle_round(WORKSPACE) == 0
    harness.bot.close()


def test_a_post_whose_votes_were_all_taken_back_abstains(tmp_path: Path) -> None:
    harness = learned(tmp_path / "learned")
    (ts,) = harness.posts(1)
    for added in (True, False):
        for user in ("U1", "U2"):
            harness.react(user, ts, "pizza", added=added)
        harness.settle()
    (verdict,) = verdicts(harness).values()
    assert (verdict.outcome, verdict.reason, verdict.reward) == (Outcome.ABSTAINED, "too_few", None)
    harness.bot.close()


def test_voters_are_known_by_the_last_rounds_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_posts, "ROUNDS", 1)
    harness = learned(tmp_path / "learned")
    old = play(harness, 5)
    harness.bot.loop.close_round(WORKSPACE)
    (ts,) = harness.posts(1)
    for user in ("U1", "U2"):
        harness.react(user, ts, "pizza")
    harness.react("U7", old[0], "pizza")  # an older post joins alone
    harness.settle()
    now = verdicts(harness)
    assert now[post_of(harness, ts).id].aggregator.endswith(",posts=1")
    assert now[post_of(harness, old[0]).id].aggregator.endswith(",posts=2")
    harness.bot.close()


@pytest.mark.parametrize("rule", ["plain", "anchor-aware"])
def test_a_team_of_one_is_believed(tmp_path: Path, rule: str) -> None:
    (tmp_path / rule).mkdir()
    harness = build_harness(tmp_path / rule, aggregator=rule, minimum_voters=1)
    placed = [ts for ts in harness.posts(20) if post_of(harness, ts).arm is Arm.TIER][:3]
    said = [harness.emoji(placed[0]), "pizza", "-1"]
    for ts, emoji in zip(placed, said, strict=True):
        harness.react("U1", ts, emoji)
    harness.settle()
    found = [verdicts(harness)[post_of(harness, ts).id] for ts in placed]
    assert [one.outcome for one in found] == [Outcome.NAMED, Outcome.NAMED, Outcome.WRONG]
    harness.bot.close()
