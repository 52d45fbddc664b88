"""The port that writes, against a strict workspace over real HTTP."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.slack import ARTICLE, TAGS, Now, find
from tierbot.adapters.slack.calls import web_client
from tierbot.adapters.slack.messages.chat import SlackChat
from tierbot.domain.nouns import Arm, Article, Post
from tierbot.use_cases.ports import ChatError, ChatUnavailableError, PostView, RateLimitedError, ReactionCount


@pytest.fixture(scope="module")
def box(start):
    return start()


@pytest.fixture
def chat(box):
    return SlackChat(box.web, box.web.auth_test()["team_id"], lambda: TAGS, Now())


def view(box, article: Article = ARTICLE, channel: str | None = None) -> PostView:
    post = Post("p1", "r1", "a1", 1, Arm.TIER, 0.8, "food", channel or box.channel, Now().now())
    return PostView(post, article, TAGS, "food")


def test_a_post_carries_its_delivery_and_unfurls_nothing(box, chat):
    ts = chat.post(view(box), "d-post")
    (message,) = [m for m in box.see("messages")["messages"] if m["ts"] == ts]
    assert message["metadata"] == {"event_type": "tierbot_delivery", "event_payload": {"delivery_id": "d-post"}}
    assert message["blocks"][1]["text"]["text"] == ":pizza: *Food?*"
    assert message["text"].startswith("Food? Harbour Herald:")


def test_a_post_is_found_by_its_delivery_among_hundreds(box, chat):
    since = Now().now()
    ts = chat.post(view(box), "d-find")
    box.http.post("acts", json={"acts": [{"do": "message", "user": "bob", "text": f"hi {n}"} for n in range(260)]})
    assert find(chat, box.channel, "d-find", since) == ts
    assert find(chat, box.channel, "d-other", since) is None


def test_a_reply_is_found_in_its_thread_a_page_at_a_time_under_reduced_limits(box, chat):
    parent = box.do("message", user="bob", text="what is this about?")["ts"]
    replies = [{"do": "message", "user": "bob", "text": f"hm {n}", "thread_ts": parent} for n in range(20)]
    box.http.post("acts", json={"acts": replies})
    span = (Now().now() - timedelta(minutes=2), Now().now() + timedelta(minutes=2))
    ts = chat.post(replace(view(box), thread=parent), "d-thread")
    box.do("faults", reduced_history=True)
    try:
        first = chat.find(box.channel, "d-thread", span, parent)
        assert first.ts is None
        with pytest.raises(RateLimitedError) as caught:
            chat.find(box.channel, "d-thread", span, parent, first.cursor)
        assert caught.value.retry_after > 50
    finally:
        box.http.delete("faults")
    assert chat.find(box.channel, "d-thread", span, parent, first.cursor).ts == ts


def test_a_delivery_sent_before_is_not_taken_for_a_later_one(box, chat):
    chat.post(view(box), "d-early")
    assert find(chat, box.channel, "d-early", Now().now() + timedelta(hours=1)) is None


def test_an_announcement_is_sent_and_found(box, chat):
    since = Now().now()
    ts = chat.announce(box.channel, {"kind": "model_rolled_back", "model": "m1", "number": 1, "by": "cli"}, "d-say")
    assert find(chat, box.channel, "d-say", since) == ts


def test_an_announcement_in_a_thread_stands_there_and_is_found_there(box, chat):
    span = (Now().now() - timedelta(minutes=2), Now().now() + timedelta(minutes=2))
    news = {"kind": "model_rolled_back", "model": "m1", "number": 1, "by": "cli"}
    above = chat.announce(box.channel, news, "d-above")
    ts = chat.announce(box.channel, news, "d-below", above)
    (reply,) = [one for one in box.see("messages")["messages"] if one["ts"] == ts]
    assert reply["thread_ts"] == above
    assert chat.find(box.channel, "d-below", span, above).ts == ts


def test_reacting_twice_is_reacting_once(box, chat):
    ts = chat.post(view(box), "d-react")
    chat.react(box.channel, ts, "pizza")
    chat.react(box.channel, ts, "pizza")
    box.do("react", user="bob", ts=ts, name="+1::skin-tone-3")
    assert chat.reactions(box.channel, ts) == [
        ReactionCount("pizza", (box.info["bot_user"],), complete=True),
        ReactionCount("+1::skin-tone-3", (box.users["bob"],), complete=True),
    ]


def test_a_message_without_reactions_has_none_and_a_deleted_one_is_gone(box, chat):
    ts = chat.post(view(box), "d-gone")
    assert chat.reactions(box.channel, ts) == []
    box.do("delete", ts=ts)
    assert chat.reactions(box.channel, ts) is None
    with pytest.raises(ChatError) as caught:
        chat.react(box.channel, ts, "pizza")
    assert caught.value.code == "message_not_found"


def test_a_list_of_users_cut_short_is_called_incomplete(box, chat):
    ts = chat.post(view(box), "d-cut")
    for user in ("ada", "bob"):
        box.do("react", user=user, ts=ts, name="pizza")
    box.do("faults", cut_users=1)
    try:
        (counted,) = chat.reactions(box.channel, ts)
    finally:
        box.http.delete("faults")
    assert (len(counted.users), counted.complete) == (1, False)


def test_an_unknown_channel_is_refused_for_good_with_a_remedy(box, chat):
    with pytest.raises(
        ChatError, match=r"chat\.postMessage: Slack answered channel_not_found\. Check the channel's id"
    ) as caught:
        chat.post(view(box, channel="C0NOWHERE"), "d-nowhere")
    assert caught.value.code == "channel_not_found"


def test_an_unknown_emoji_is_refused_for_good(box, chat):
    ts = chat.post(view(box), "d-emoji")
    with pytest.raises(ChatError) as caught:
        chat.react(box.channel, ts, "no_such_emoji")
    assert caught.value.code == "invalid_name"


def test_a_rate_limit_says_for_how_long(box, chat):
    box.do("faults", api_429=1.0, retry_after=7, methods=["chat.postMessage"])
    try:
        with pytest.raises(RateLimitedError) as caught:
            chat.post(view(box), "d-busy")
    finally:
        box.http.delete("faults")
    assert (caught.value.method, caught.value.retry_after) == ("chat.postMessage", 7.0)


@pytest.mark.parametrize(("fault", "sent"), [("api_500", False), ("api_lost_answer", True)])
def test_a_server_fault_leaves_it_open_and_the_delivery_tells(box, chat, fault, sent):
    since = Now().now()
    box.do("faults", **{fault: 1.0}, methods=["chat.postMessage"])
    try:
        with pytest.raises(ChatUnavailableError):
            chat.post(view(box), f"d-{fault}")
    finally:
        box.http.delete("faults")
    assert (find(chat, box.channel, f"d-{fault}", since) is not None) == sent


def test_no_answer_at_all_leaves_it_open(box):
    deaf = SlackChat(web_client("xoxb-x", "http://127.0.0.1:9/api/"), "T1", lambda: TAGS, Now())
    with pytest.raises(ChatUnavailableError, match=r"chat\.postMessage: no usable answer"):
        deaf.post(view(box), "d-deaf")


def test_a_wrong_token_is_refused_with_a_remedy(box):
    stranger = SlackChat(web_client("xoxb-wrong", box.info["api_url"]), "T1", lambda: TAGS, Now())
    with pytest.raises(ChatError, match="SLACK_BOT_TOKEN") as caught:
        stranger.post(view(box), "d-stranger")
    assert caught.value.code == "invalid_auth"
    assert "xoxb-wrong" not in str(caught.value)


def test_a_picture_that_slack_cannot_load_is_left_out(box, chat, monkeypatch):
    """Slack refuses the whole message with invalid_blocks when it cannot fetch its picture."""
    sent = chat._client.chat_postMessage

    def without_pictures(**message):
        if any(block.get("accessory", {}).get("type") == "image" for block in message["blocks"]):
            message["blocks"] = [{"type": "section"}]  # refused as invalid_blocks by the sandbox itself
        return sent(**message)

    monkeypatch.setattr(chat._client, "chat_postMessage", without_pictures)
    ts = chat.post(view(box), "d-picture")
    assert find(chat, box.channel, "d-picture", Now().now() - timedelta(minutes=1)) == ts


def test_blocks_refused_for_another_reason_stay_refused(box, chat, monkeypatch):
    sent = chat._client.chat_postMessage
    monkeypatch.setattr(
        chat._client, "chat_postMessage", lambda **message: sent(**{**message, "blocks": [{"type": "section"}]})
    )
    with pytest.raises(ChatError, match="missing required field") as caught:
        chat.post(view(box, replace(ARTICLE, image_url=None)), "d-blocks")
    assert caught.value.code == "invalid_blocks"


def test_a_revised_post_shows_votes_by_menu_and_can_still_be_found(box, chat):
    shown = view(box)
    since = Now().now()
    ts = chat.post(shown, "d-revise")
    sent = replace(shown.post, ts=ts, posted_at=since)
    chat.revise(replace(shown, post=sent, named_by_menu={"football": 2, "law": 1, "gone": 4}))
    (message,) = [m for m in box.see("messages")["messages"] if m["ts"] == ts]
    assert message["blocks"][-1]["elements"][0]["text"] == "By menu: :football: ×2 · :scales: ×1"
    assert find(chat, box.channel, "d-revise", since) == ts
    chat.revise(replace(shown, post=sent))
    (message,) = [m for m in box.see("messages")["messages"] if m["ts"] == ts]
    assert "By menu" not in str(message["blocks"])


def test_revising_a_deleted_post_is_no_fault(box, chat):
    shown = view(box)
    ts = chat.post(shown, "d-gone")
    box.do("delete", ts=ts)
    chat.revise(replace(shown, post=replace(shown.post, ts=ts), named_by_menu={"law": 1}))


def test_only_active_people_of_this_workspace_are_colleagues(box, chat):
    people = {"zap": {"bot": True}, "zoe": {"home": "T0ABROAD"}, "gus": {}}
    ids = {name: box.do("users", name=name, **more)["user"]["id"] for name, more in people.items()}
    box.do("deactivate", user="gus")
    found = {name: chat.is_colleague(user) for name, user in {**ids, "ada": box.users["ada"], "?": "U0NOBODY"}.items()}
    assert found == {"zap": False, "zoe": False, "gus": False, "ada": True, "?": False}
