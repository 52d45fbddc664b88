"""What the dispatcher calls and writes for each answer, over a transaction that is a few plain tables."""

from dataclasses import replace

import pytest

from tests.support.desk import SECOND, Desk
from tests.support.rows import NOON, article, delivery, event
from tierbot.domain.nouns import Arm, Source, TierbotError, key
from tierbot.use_cases.delivery.dispatch import EMOJI_MISSING, NOT_INSTALLED, is_direct
from tierbot.use_cases.delivery.look_up import MAYBE_SENT, span_of
from tierbot.use_cases.ports import (
    LOOK_UP,
    ChatError,
    ChatUnavailableError,
    Delivery,
    DeliveryKind,
    Job,
    Page,
    RateLimitedError,
    Search,
)

KIND = DeliveryKind
PACE = ["post", "announce", "invite"]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


POST = delivery("o1", kind=KIND.POST, payload={"post_id": "p1"})
SAY = delivery("o2", payload={"kind": "nudge"})
PREFILL = delivery("o3", kind=KIND.PREFILL, payload={"post_id": "p1", "emoji": "pizza"})
INVITE = delivery("o4", kind=KIND.INVITE, channel="DU1", payload={"invitation_id": "i1"})
UPDATE = delivery("o5", kind=KIND.UPDATE, channel="C1", payload={"post_id": "p1", "ts": "7.0"})
PICTURE = delivery("o6", kind=KIND.PICTURE, payload={"title": "Round 1", "alt": "words"})
THANK = delivery("o7", kind=KIND.THANK, payload={"user": "U1", "kind": "late_vote"})

HELD = [("hold", kind, NOON + 2 * SECOND, "C1") for kind in PACE]


def test_without_anything_due_nothing_is_done(desk: Desk) -> None:
    assert not desk.dispatcher.deliver("T1")


# --- what is sent ----------------------------------------------------------------------------------


def test_a_post_is_sent_recorded_and_paced(desk: Desk) -> None:
    assert desk.deliver(POST, "9.0") == [
        ("done", "9.0", NOON),
        ("sent", "p1", "9.0", NOON),
        ("reopen", "C1", NOON),
        *HELD,
    ]
    ((_, view, name),) = desk.calls
    assert (view.post, view.article, view.tag_id, view.thread, name) == (
        desk.posts["p1"],
        article("a1"),
        "food",
        None,
        "o1",
    )


def test_a_post_in_another_channel_or_a_thread_or_the_blank_arm_shows_just_that(desk: Desk) -> None:
    desk.posts["p1"] = replace(desk.posts["p1"], arm=Arm.BLANK)
    desk.deliver(replace(POST, channel="C2", payload={"post_id": "p1", "thread": "5.0"}), "9.0")
    view = desk.calls[0][1]
    assert (view.post.channel, view.thread, view.tag_id) == ("C2", "5.0", None)


def test_a_post_says_what_colleagues_named_by_menu(desk: Desk) -> None:
    menu = {"source": Source.MENU, "name": "food"}
    a_bots = event("e2", user="UBOT", source=Source.MENU, name="law")
    desk.events = [event("e1", **menu), a_bots, event("e3", user="U3")]
    desk.deliver(POST, "9.0")
    assert desk.calls[0][1].named_by_menu == {"food": 1}
    desk.posts["p1"] = replace(desk.posts["p1"], ts=None)
    desk.deliver(POST, "9.0")
    assert desk.calls[0][1].named_by_menu == {}


@pytest.mark.parametrize("gone", ["post", "article", "invitation"])
def test_what_is_about_a_post_that_is_gone_is_parked(desk: Desk, gone: str) -> None:
    one = replace(INVITE, payload={"invitation_id": "i9"}) if gone == "invitation" else POST
    desk.posts["p1"] = replace(desk.posts["p1"], article_id="a9")
    if gone == "post":
        del desk.posts["p1"]
    said = f"post_gone: The post of delivery {one.id} is no longer in the database."
    assert desk.deliver(one) == [("park", said, None)]
    assert desk.calls == []


def test_an_announcement_goes_to_its_channel_or_thread_and_opens_it_again(desk: Desk) -> None:
    assert desk.deliver(SAY, "9.0") == [("done", "9.0", NOON), ("reopen", "C1", NOON), *HELD]
    assert desk.calls == [("announce", "C1", SAY.payload, "o2", None)]
    assert desk.deliver(replace(SAY, channel="DU1"), "9.0") == [("done", "9.0", NOON), ("reopen", "DU1", NOON)]
    below = replace(SAY, payload={"kind": "more", "below": "o1"})
    assert desk.deliver(below) == [("done", None, NOON), ("reopen", "C1", NOON), *HELD]
    assert desk.calls == [], "what it belongs below was not sent"
    desk.results["o1"] = "8.0"
    desk.deliver(below, "9.0")
    assert desk.calls == [("announce", "C1", below.payload, "o2", "8.0")]


def test_an_announcement_is_sent_until_it_expires(desk: Desk) -> None:
    for seconds, calls in ((0, 1), (-1, 0)):
        expires_at = (NOON + seconds * SECOND).isoformat()
        desk.deliver(replace(SAY, payload={"kind": "nudge", "expires_at": expires_at}), "9.0")
        assert len(desk.calls) == calls


def test_who_cannot_be_thanked_is_let_go_but_what_can_be_mended_waits(desk: Desk) -> None:
    held = [("hold", "thank", NOON + 2 * SECOND, "C1")]
    assert desk.deliver(THANK) == [("done", None, NOON), *held]
    assert desk.calls == [("whisper", "C1", "U1", THANK.payload)]
    assert desk.deliver(THANK, ChatError("user_not_in_channel", "gone")) == [("done", None, NOON), *held]
    assert desk.deliver(THANK, ChatError("is_archived", "closed"))[0][0] == "retry"
    assert desk.deliver(THANK, ChatError("invalid_auth", "no"))[0][0] == "retry"


def test_a_picture_is_drawn_first_and_one_that_cannot_be_drawn_is_parked(desk: Desk) -> None:
    assert desk.deliver(PICTURE, "F1") == [
        ("done", "F1", NOON),
        ("reopen", "C1", NOON),
        ("hold", "picture", NOON + 2 * SECOND, "C1"),
    ]
    assert desk.calls == [("picture", "C1", b"png", "Round 1", "words", "o6")]

    def fail(_: object) -> bytes:
        raise TierbotError("No room.")

    desk.dispatcher.draw = fail
    assert desk.deliver(PICTURE) == [("park", "not_drawn: No room.", None)]
    assert desk.calls == []


@pytest.mark.parametrize(("seconds", "sent"), [(30, True), (30.001, False)])
@pytest.mark.parametrize("one", [PICTURE, SAY])
def test_no_call_begins_that_could_outlast_the_claim(desk: Desk, one: Delivery, seconds: float, sent: bool) -> None:
    def draw(_: object) -> bytes:
        desk.clock.advance(seconds=seconds)
        return b"png"

    chats = desk.dispatcher.chats
    if one is PICTURE:
        desk.dispatcher.draw = draw
    else:
        desk.dispatcher.chats = lambda team: draw(team) and chats(team)
    desk.queue, desk.answers = [one], ["9.0"]
    desk.dispatcher.deliver("T1")
    assert bool(desk.calls) == sent
    assert desk.wrote[1][0] == ("done" if sent else "retry")


def test_a_revision_and_a_pre_fill_go_to_their_message(desk: Desk) -> None:
    assert desk.deliver(UPDATE) == [("done", None, NOON), ("hold", "update", NOON + 2 * SECOND, "C1")]
    ((name, view),) = desk.calls
    assert (name, view.post.channel, view.post.ts) == ("revise", "C1", "7.0")
    assert desk.deliver(PREFILL) == [("done", None, NOON), ("hold", "prefill", NOON + 2 * SECOND, "C1")]
    assert desk.calls == [("react", "C1", "1.0", "pizza")]
    desk.deliver(replace(PREFILL, channel="DU1", payload={**PREFILL.payload, "ts": "6.0"}))
    assert desk.calls == [("react", "DU1", "6.0", "pizza")]
    desk.posts["p1"] = replace(desk.posts["p1"], ts=None)
    said = {"search": None, "failures": 1}
    assert desk.deliver(PREFILL) == [("retry", NOON + SECOND, "Post p1 is not in Slack yet.", said)]
    assert desk.calls == []


def test_an_invitation_is_recorded_and_its_pre_fills_are_queued(desk: Desk) -> None:
    done, invited, (_, rows), reopened = desk.deliver(INVITE, "9.0")
    assert (done, invited, reopened) == (("done", "9.0", NOON), ("invited", "i1", "9.0", NOON), ("reopen", "DU1", NOON))
    payload = {"post_id": "p1", "emoji": "pizza", "ts": "9.0"}
    assert rows == [Delivery(key("prefill", "o4", "pizza"), KIND.PREFILL, "DU1", payload, NOON, NOON)]


def test_an_invitation_to_a_post_that_went_meanwhile_has_no_pre_fills(desk: Desk) -> None:
    desk.chat.post = lambda *_: desk.posts.clear() or "9.0"
    assert [what for what, *_ in desk.deliver(INVITE)] == ["done", "invited", "reopen"]


def test_what_another_process_took_over_changes_nothing(desk: Desk) -> None:
    desk.ours = False
    assert desk.deliver(POST, "9.0") == [("done", "9.0", NOON)]
    assert [what for what, *_ in desk.deliver(PREFILL, ChatError("invalid_name", "no"))] == ["park"]
    assert [what for what, *_ in desk.deliver(POST, ChatError("is_archived", "closed"))] == ["retry"]


def test_operators_read_of_what_was_taken_over_and_of_a_channel_that_is_closed(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    for ours in (True, False):
        desk.ours = ours
        caplog.clear()
        desk.deliver(PREFILL, RateLimitedError("reactions.add", 7))
        assert ("another process has claimed it" in caplog.text) != ours
        caplog.clear()
        desk.deliver(replace(POST, search=Search(NOON - 60 * SECOND, NOON)), Page(None))
        assert ("another process has claimed it" in caplog.text) != ours
    desk.ours = True
    caplog.clear()
    desk.deliver(POST, ChatError("is_archived", "closed"))
    assert caplog.messages == ["Messages for C1 wait: closed"]


# --- what is not -----------------------------------------------------------------------------------


def test_a_rate_limit_holds_the_same_method_for_as_long_as_slack_says(desk: Desk) -> None:
    until = NOON + 7 * SECOND
    (retry, *held) = desk.deliver(replace(POST, failures=3), RateLimitedError("chat.postMessage", 7))
    assert retry == ("retry", until, "chat.postMessage: rate limited for 7 s", {"search": None, "failures": 3})
    assert held == [("hold", kind, until) for kind in PACE]
    assert desk.deliver(PREFILL, RateLimitedError("reactions.add", 7))[1:] == [("hold", "prefill", until)]


@pytest.mark.parametrize(("failures", "seconds"), [(0, 1), (1, 5), (2, 30), (3, 120), (4, 600), (5, 600), (50, 600)])
def test_an_unanswered_call_is_repeated_later_and_later_after_a_look(desk: Desk, failures: int, seconds: int) -> None:
    lost = ChatUnavailableError("no answer")
    search = Search(NOON, NOON + 60 * SECOND, failures=failures + 1)
    for one, following in ((POST, search), (PREFILL, None)):
        how = {"search": following, "failures": failures + 1}
        wrote = desk.deliver(replace(one, failures=failures), lost)
        assert wrote == [("retry", NOON + seconds * SECOND, "no answer", how)]


@pytest.mark.parametrize("kind", [KIND.POST, KIND.ANNOUNCE, KIND.PICTURE, KIND.INVITE])
def test_our_own_bug_is_tried_five_times_and_then_parked(desk: Desk, kind: DeliveryKind) -> None:
    one = {KIND.POST: POST, KIND.ANNOUNCE: SAY, KIND.PICTURE: PICTURE, KIND.INVITE: INVITE}[kind]
    search = Search(NOON, NOON + 60 * SECOND, failures=4)
    wrote = desk.deliver(replace(one, failures=3), ValueError("a bug"))
    assert wrote == [("retry", NOON + 120 * SECOND, "a bug", {"search": search, "failures": 4})]
    wrote = desk.deliver(replace(one, failures=4), ValueError("a bug"))
    assert wrote == [("park", "ValueError: a bug", replace(search, failures=5))]


@pytest.mark.parametrize("code", ["invalid_auth", "not_authed", "token_expired", NOT_INSTALLED])
def test_what_a_person_can_mend_is_tried_again_in_a_minute_and_counts_no_failure(desk: Desk, code: str) -> None:
    until = NOON + 60 * SECOND
    wrote = desk.deliver(replace(POST, failures=2), ChatError(code, "no"))
    assert wrote[0] == ("retry", until, "no", {"search": None, "failures": 0})
    assert wrote[1:] == [("hold", kind, until) for kind in (*PACE, LOOK_UP)]
    assert desk.out == []


@pytest.mark.parametrize("code", ["token_revoked", "account_inactive"])
def test_a_workspace_that_removed_the_app_is_told_of(desk: Desk, code: str) -> None:
    assert desk.deliver(POST, ChatError(code, "no"))[0][0] == "retry"
    assert desk.out == [("T1", code)]


def test_a_closed_channel_is_held_and_one_that_moved_is_followed(desk: Desk) -> None:
    refused = ChatError("is_archived", "closed")
    retry = ("retry", NOON, "closed", {"search": None})
    assert desk.deliver(POST, refused) == [retry, ("close", "C1", "is_archived", NOON)]
    desk.waiting = {"C2": 1}
    assert desk.deliver(POST, refused) == [retry]
    assert desk.deliver(replace(INVITE), refused) == [("park", "is_archived: closed", None)], "a person is no channel"


def test_what_slack_never_takes_is_parked(desk: Desk) -> None:
    assert desk.deliver(POST, ChatError("msg_too_long", "too long")) == [("park", "msg_too_long: too long", None)]


# --- missing emoji ---------------------------------------------------------------------------------


MISSING = ChatError("invalid_name", "no such emoji")


def test_admins_are_told_of_an_emoji_that_is_missing(desk: Desk) -> None:
    parked, emoji, (_, job) = desk.deliver(PREFILL, MISSING)
    assert (parked, emoji) == (("park", "invalid_name: no such emoji", None), ("emoji", "pizza"))
    assert (job.kind, job.id, job.due_at, dict(job.payload)) == (
        EMOJI_MISSING,
        key(EMOJI_MISSING, "pizza", NOON),
        NOON,
        {"names": ["pizza"]},
    )
    assert [what for what, *_ in desk.deliver(PREFILL, ChatError("message_not_found", "no"))] == ["park"]
    assert [what for what, *_ in desk.deliver(POST, MISSING)] == ["park"]


def test_several_missing_emoji_share_a_message_that_nobody_has_begun(desk: Desk) -> None:
    waits = Job.request(EMOJI_MISSING, "j1", NOON, names=["rocket"])
    desk.jobs = [Job.request("push", "j0", NOON), replace(waits, id="j9", claimed_by="run"), waits]
    assert desk.deliver(PREFILL, MISSING)[-1] == ("left", "j1", {"names": ["rocket", "pizza"]})
    desk.jobs = [replace(waits, payload={})]
    assert desk.deliver(PREFILL, MISSING)[-1] == ("left", "j1", {"names": ["pizza"]})


def test_admins_who_know_or_are_gone_are_told_nothing(desk: Desk) -> None:
    desk.news = False
    assert [what for what, *_ in desk.deliver(PREFILL, MISSING)] == ["park", "emoji"]
    desk.news, desk.known_workspace = True, None
    assert [what for what, *_ in desk.deliver(PREFILL, MISSING)] == ["park"]


# --- looking it up ---------------------------------------------------------------------------------


SEARCH = Search(NOON - 60 * SECOND, NOON, failures=2)
MAYBE = replace(POST, search=SEARCH, failures=2)
LOOKING = "It may have been sent; tierbot is looking for it in Slack."


def test_a_message_that_is_found_is_done_and_says_nothing_of_the_channel_or_the_pace(desk: Desk) -> None:
    wrote = desk.deliver(MAYBE, Page("9.0"))
    assert wrote == [("done", "9.0", NOON), ("sent", "p1", "9.0", NOON), ("gather", "C1", "9.0")]
    assert desk.calls == [("find", "C1", "o1", span_of(SEARCH), None, None)]
    assert desk.deliver(replace(SAY, search=SEARCH), Page("9.0")) == [("done", "9.0", NOON)]


def test_a_search_goes_on_where_it_was_and_ends_when_all_was_seen(desk: Desk) -> None:
    for search, page, following in (
        (SEARCH, Page(None, "c1"), replace(SEARCH, cursor="c1")),
        (SEARCH, Page(None), replace(SEARCH, wide=True)),
        (replace(SEARCH, wide=True, cursor="c1"), Page(None), None),
    ):
        how = {"search": following, "failures": 2}
        wrote = desk.deliver(replace(MAYBE, search=search, payload={"post_id": "p1", "thread": "5.0"}), page)
        assert wrote == [("retry", NOON, LOOKING if following else "", how)]
        assert desk.calls == [("find", "C1", "o1", span_of(search), "5.0", search.cursor)]


def test_a_cursor_that_slack_forgot_begins_the_page_again_and_another_refusal_parks(desk: Desk) -> None:
    one = replace(MAYBE, search=replace(SEARCH, cursor="old"))
    how = {"search": SEARCH, "failures": 2}
    assert desk.deliver(one, ChatError("invalid_cursor", "old")) == [("retry", NOON, LOOKING, how)]
    assert desk.deliver(one, ChatError("missing_scope", "no")) == [("park", "missing_scope: no", one.search)]


def test_a_search_that_is_held_up_goes_on_later_and_a_rate_limit_holds_all_look_ups(desk: Desk) -> None:
    until = NOON + 50 * SECOND
    wrote = desk.deliver(MAYBE, RateLimitedError("conversations.history", 50))
    how = {"search": replace(SEARCH, waited=50.0), "failures": 2}
    said = "conversations.history: rate limited for 50 s"
    assert wrote == [("retry", until, said, how), ("hold", LOOK_UP, until)]
    wrote = desk.deliver(MAYBE, ChatUnavailableError("no answer"))
    how = {"search": replace(SEARCH, waited=30.0), "failures": 3}
    assert wrote == [("retry", NOON + 30 * SECOND, "no answer", how)]


def test_a_search_that_was_held_up_for_too_long_is_parked_to_be_begun_afresh(desk: Desk) -> None:
    one = replace(MAYBE, search=replace(SEARCH, waited=1799.0, wide=True, cursor="c1"))
    wrote = desk.deliver(one, RateLimitedError("conversations.history", 2))
    said = "conversations.history: rate limited for 2 s"
    assert wrote == [("park", f"{MAYBE_SENT}: {said}", SEARCH)]


def test_our_own_bug_in_a_search_keeps_the_search(desk: Desk) -> None:
    wrote = desk.deliver(MAYBE, ValueError("a bug"))
    assert wrote == [("retry", NOON + 30 * SECOND, "a bug", {"search": SEARCH, "failures": 3})]


def test_a_conversation_with_a_person_is_told_by_its_id() -> None:
    assert [is_direct(channel) for channel in ("DU1", "C1", "G1")] == [True, False, False]
