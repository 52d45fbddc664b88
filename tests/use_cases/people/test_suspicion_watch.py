"""The watch: who pushes a tag is noticed, weighed less and reported with evidence; admins can overrule it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tests.support.votes import NOON, names, post
from tierbot.adapters.slack.messages.announcements import render_announcement
from tierbot.domain.feedback import PlainRule
from tierbot.domain.nouns import Outcome, TierbotError, Verdict
from tierbot.domain.tags import default_tag_space
from tierbot.reports.crowd import crowd_of
from tierbot.use_cases.delivery.direct_messages import DirectMessages
from tierbot.use_cases.people.doubts import doubted, overrule
from tierbot.use_cases.people.personal_data import PersonalData
from tierbot.use_cases.people.suspicion_watch import JOB, watch_votes
from tierbot.use_cases.ports import Doubt, Job

HONEST = ("U1", "U2", "U3", "U4")


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    """Thirty posts on which four people name 🍕 and UPUSH names 🚀."""
    built = build_harness(tmp_path, admins="UADMIN")
    for ts in built.posts(30):
        for user in HONEST:
            built.react(user, ts, "pizza")
        built.react("UPUSH", ts, "rocket")
    built.settle()
    yield built
    built.bot.close()


def watch(harness: Harness) -> None:
    harness.do(JOB)  # planned when the workspace was prepared
    harness.deliver()


def in_force(harness: Harness) -> list[Doubt]:
    with harness.bot.store.read(WORKSPACE) as tx:
        return [one for one in tx.doubts.all() if one.in_force]


def test_who_pushes_a_tag_is_reported_to_admins_once_with_the_evidence(harness: Harness) -> None:
    watch(harness)
    pushing = [one for one in in_force(harness) if one.behavior == "pushes_tag"]
    assert [one.users for one in pushing] == [("UPUSH",)]
    assert pushing[0].observed == 30 <= pushing[0].chances
    (news,) = [said for said in harness.chat.announcements if said["kind"] == "doubts"]
    assert news["halved"]
    assert pushing[0].id in {one["id"] for one in news["doubts"]}
    watch(harness)
    assert len([said for said in harness.chat.announcements if said["kind"] == "doubts"]) == 1
    assert harness.job(JOB).due_at > harness.clock.now()


def test_nobody_else_is_in_doubt(harness: Harness) -> None:
    watch(harness)
    assert {user for one in in_force(harness) for user in one.users} == {"UPUSH"}


def test_their_votes_count_half_from_then_on_and_the_verdict_says_so(harness: Harness) -> None:
    watch(harness)
    (ts,) = harness.posts(1)
    harness.react("U1", ts, "rocket")
    harness.react("UPUSH", ts, "rocket")
    harness.settle()
    with harness.bot.store.read(WORKSPACE) as tx:
        place = tx.posts.at("C1", ts)
        assert place is not None
        verdict = tx.verdicts.latest([place.id])[place.id]
    assert (verdict.outcome, verdict.voters) == (Outcome.ABSTAINED, 2)
    assert "@half=" in verdict.aggregator
    assert "UPUSH" not in verdict.aggregator


def test_an_admin_overrules_a_doubt_it_is_audited_and_not_raised_again(harness: Harness) -> None:
    watch(harness)
    every = in_force(harness)
    for one in every:
        with harness.bot.store.begin(WORKSPACE) as tx:
            overrule(tx, one.id, "UADMIN", harness.clock.now())
    watch(harness)
    assert in_force(harness) == []
    with harness.bot.store.read(WORKSPACE) as tx:
        assert doubted(tx) == frozenset()
        trail = [entry["what"] for entry in tx.workspaces.audit_trail(20)]
    assert trail.count("overrule doubt") == trail.count("doubt") == len(every)
    with pytest.raises(TierbotError, match="no doubt"), harness.bot.store.begin(WORKSPACE) as tx:
        overrule(tx, every[0].id, "UADMIN", harness.clock.now())


def test_a_doubt_ends_with_its_evidence(harness: Harness) -> None:
    watch(harness)
    with harness.bot.store.read(WORKSPACE) as tx:
        posts = [one.ts for one in tx.posts.in_round(1)]
    for ts in posts:
        assert ts is not None
        harness.react("UPUSH", ts, "rocket", added=False)
    harness.settle()
    watch(harness)
    assert in_force(harness) == []


def test_forgetting_a_person_forgets_what_they_were_suspected_of(harness: Harness) -> None:
    watch(harness)
    PersonalData(harness.bot.store, harness.clock).forget(WORKSPACE, "UPUSH", "UADMIN", anonymize=True)
    assert in_force(harness) == []


def test_an_admin_who_cannot_be_told_does_not_stop_the_watch(harness: Harness) -> None:
    messages = DirectMessages(lambda _: harness.chat, lambda _: ["UADMIN"], harness.clock)
    harness.chat.faults.append(TierbotError("that user left"))
    job = Job.recurring(JOB, harness.clock.now())
    watch_votes(harness.bot.store, harness.clock, messages, "plain", WORKSPACE, job)
    assert in_force(harness)  # nobody could be told, and it is in force all the same: `tierbot doubts` lists it
    with harness.bot.store.read(WORKSPACE) as tx:
        assert crowd_of(tx)["doubts"]


def test_an_honest_crowd_raises_no_doubt(tmp_path: Path) -> None:
    (tmp_path / "honest").mkdir()
    harness = build_harness(tmp_path / "honest", admins="UADMIN")
    for number, ts in enumerate(harness.posts(30)):
        for user in HONEST:
            harness.react(user, ts, "rocket" if (number + len(user)) % 9 == 0 else "pizza")
    harness.settle()
    watch(harness)
    assert in_force(harness) == []
    assert not [said for said in harness.chat.announcements if said["kind"] == "doubts"]
    harness.bot.close()


def test_admins_read_who_what_how_sure_and_how_to_overrule(harness: Harness) -> None:
    watch(harness)
    (news,) = [said for said in harness.chat.announcements if said["kind"] == "doubts"]
    message = render_announcement(news, default_tag_space())
    text = str(message.blocks)
    for part in ("<@UPUSH>", "30 of", "p = ", "count half", "tierbot doubts --overrule"):
        assert part in text
    learned = render_announcement({**news, "halved": False}, default_tag_space())
    assert "count half" not in str(learned.blocks)


def test_reliability_has_an_interval_and_agreement_is_krippendorffs(harness: Harness) -> None:
    with harness.bot.store.read(WORKSPACE) as tx:
        found = crowd_of(tx)
    by_user = {one["user"]: one for one in found["trainers"]}
    assert by_user["U1"]["reliability"]["low"] > by_user["UPUSH"]["reliability"]["high"]
    assert all(one["judged"] == 30 for one in found["trainers"])
    assert found["posts"] == 30
    assert -1 < found["alpha"]["all"] < 0.2  # all disagree with one in the same way: no agreement beyond chance


def test_half_a_vote_is_half_a_vote() -> None:
    votes = names("food", "U1", "U2") + names("space", "U3")

    def settled(*halved: str) -> Verdict:
        return PlainRule().settle(post(), votes, ledger_cursor=1, now=NOON, halved=frozenset(halved))

    assert settled("U9") == PlainRule().settle(post(), votes, ledger_cursor=1, now=NOON)
    assert settled("U3", "U9").tags == {"food": pytest.approx(2 / 2.5)}
    assert (settled("U3").voters, settled("U3").support) == (3, {"food": 2, "space": 1})
    assert settled("U3").weight == pytest.approx(2.5 / 4.5)
    assert settled("U1", "U2").outcome is Outcome.ABSTAINED
