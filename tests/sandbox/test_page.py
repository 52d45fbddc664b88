"""The sandbox's page in a real browser, with a real Bolt app behind it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler

from tests.support.browser import needs_browser, open_browser, open_page
from tierbot.sandbox import pagefiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLAIN = {"type": "plain_text"}
HOSTILE = "<img src=x onerror=alert(1)> \u202eevil\u202c <javascript:alert(2)|click> &lt;b&gt; *bold*"

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with open_browser() as browser:
        yield browser


def modal() -> dict[str, Any]:
    select = {"type": "external_select", "action_id": "tag", "min_query_length": 0}
    return {
        "type": "modal",
        "callback_id": "name_tag",
        "title": {**PLAIN, "text": "Name the right tag"},
        "submit": {**PLAIN, "text": "Save"},
        "blocks": [{"type": "input", "block_id": "b", "label": {**PLAIN, "text": "Tag"}, "element": select}],
    }


def home(user: str) -> dict[str, Any]:
    return {"type": "home", "blocks": [{"type": "header", "text": {**PLAIN, "text": f"Hello {user}"}}]}


@pytest.fixture
def bot(start: Callable[..., Any]) -> Iterator[Any]:
    """Return a sandbox with a Bolt app that answers whatever the page can do."""
    box = start("--shortcut", "Name the right tag=name")
    box.named = []
    app = App(client=box.web)
    for event in ("reaction_added", "reaction_removed"):
        app.event(event)(lambda ack: ack())
    app.command("/leaderboard")(lambda ack, command: ack(f"standings for {command['user_name']}"))
    app.shortcut("name")(
        lambda ack, client, shortcut: (ack(), client.views_open(trigger_id=shortcut["trigger_id"], view=modal()))
    )
    app.options("tag")(lambda ack: ack(options=[{"text": {**PLAIN, "text": "Football"}, "value": "football"}]))
    app.view("name_tag")(
        lambda ack, view: (
            ack(),
            box.named.append(view["state"]["values"]["b"]["tag"]["selected_option"]["value"]),
        )
    )
    app.event("app_home_opened")(
        lambda event, client: client.views_publish(user_id=event["user"], view=home(event["user"]))
    )
    # A connection that it makes again while it is closed would stay open.
    handler = SocketModeHandler(app, box.info["app_token"], auto_reconnect_enabled=False)
    handler.connect()
    yield box
    handler.close()


@pytest.fixture
def page(bot: Any, chromium: Any) -> Iterator[Any]:
    """Return the page as Bob sees it; an error in its scripts fails the test."""
    bot.ts = bot.post("Bake a pizza")
    bot.web.reactions_add(channel=bot.channel, timestamp=bot.ts, name="pizza")
    with open_page(chromium, bot.info["url"] + "?as=bob") as page:
        yield page


def standing(bot: Any) -> list[str]:
    return [name for _, ts, _, name in bot.see("votes")["votes"] if ts == bot.ts]


def test_the_page_weighs_less_than_150_kilobytes() -> None:
    names = "index.html base.css chat.css panel.css emoji.json app.js api.js dom.js state.js emoji.js text.js blocks.js"
    names += " elements.js select.js menu.js picker.js messages.js views.js composer.js panel.js faults.js"
    assert sum(len(pagefiles.content(name)[0]) for name in names.split()) < 150_000  # type: ignore[index]


@needs_browser
def test_a_pill_toggles_and_counts(bot: Any, page: Any) -> None:
    pill = page.locator(f'.message[data-ts="{bot.ts}"] .pill[data-name="pizza"]')
    pill.click()
    page.wait_for_selector('.pill[data-name="pizza"][aria-pressed="true"]')
    assert pill.inner_text().split()[-1] == "2"
    assert standing(bot) == ["pizza"]
    pill.click()
    page.wait_for_selector('.pill[data-name="pizza"][aria-pressed="false"]')
    assert standing(bot) == []


@needs_browser
def test_the_picker_adds_another_emoji_by_keyboard_alone(bot: Any, page: Any) -> None:
    page.locator(".message").last.focus()
    page.keyboard.press("r")
    page.keyboard.type("foot")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector('.pill[data-name="football"][aria-pressed="true"]')
    assert standing(bot) == ["football"]


@needs_browser
def test_a_command_is_completed_and_answered_to_its_user_only(bot: Any, page: Any) -> None:
    for name in ("bob", "ada"):
        page.select_option("#me-select", label="ada (admin)" if name == "ada" else "bob")
        page.fill("#composer-input", "/lead")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector(f'.whisper:has-text("standings for {name}")')
    assert page.locator(".whisper").count() == 1
    assert len(bot.see("inbox", user="bob")["ephemerals"]) == 1


@needs_browser
def test_a_shortcut_opens_a_modal_and_its_choice_arrives(bot: Any, page: Any) -> None:
    page.locator(".message").last.hover()
    page.locator('[data-tool="more"]').last.click()
    page.get_by_role("menuitem", name="Name the right tag").click()
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector('[data-problem="b"]:has-text("required")')
    page.get_by_role("combobox", name="Tag").click()
    page.get_by_role("option", name="Football").click()
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("dialog[open]", state="hidden")
    assert bot.named == ["football"]


@needs_browser
def test_app_home_and_a_direct_message_are_shown(bot: Any, page: Any) -> None:
    page.click("#app-list button")
    page.wait_for_selector('.home:has-text("Hello")')
    page.get_by_role("tab", name="Messages").click()
    bob = next(user["id"] for user in bot.see("state")["users"] if user["name"] == "bob")
    bot.web.chat_postMessage(channel=bob, text="five to judge")
    page.wait_for_selector('.message:has-text("five to judge")')


ROUNDS = [
    {
        "round": number,
        "open": False,
        "all": {"n": 190, "value": value, "low": value - 0.06, "high": value + 0.06},
        "blank": {"n": 0},
    }
    for number, value in ((1, 0.7), (2, 0.83))
]


@needs_browser
def test_an_arrow_stands_only_for_a_change_beyond_chance(bot: Any, page: Any) -> None:
    change = {"n": 380, "value": 0.13, "low": 0.04, "high": 0.21, "chance": False}
    overall = {"rounds": 2, "all": {"n": 380, "value": 0.765, "low": 0.72, "high": 0.81}}
    assert bot.http.put("panel", json={"accuracy": ROUNDS, "change": change, "overall": overall}).json()["ok"]
    page.wait_for_selector('.delta.up:has-text("▲ 13.0 points")')
    assert "76.5% over all 2 rounds, 380 posts" in page.inner_text("#panel-body")
    bot.http.put("panel", json={"accuracy": ROUNDS, "change": {**change, "low": -0.01, "chance": True}})
    page.wait_for_selector('.delta:not(.up):has-text("+13.0 points, may be chance")')
    gain = {"round": 2, "n": 190, "value": -0.16, "low": -0.22, "high": -0.1}
    bot.http.put("panel", json={"accuracy": ROUNDS, "gain": gain})
    page.wait_for_selector('.gain:has-text("Round 2: right 16 points less often than the first model would have been")')
    assert "on the same 190 stories (95%: −22 to −10)" in page.inner_text("#panel-body")
    running = [ROUNDS[0], {**ROUNDS[1], "open": True}]
    bot.http.put("panel", json={"accuracy": running, "change": None, "overall": overall})
    page.wait_for_selector('.big-number:has-text("round 2 so far, 190 posts")')
    assert page.locator(".delta").count() == 0


@needs_browser
def test_the_panel_shows_what_the_bot_learned_as_soon_as_it_says_so(bot: Any, page: Any) -> None:
    users = [*(f"U{n}" for n in range(5)), *(user["id"] for user in bot.see("state")["users"] if user["name"] == "bob")]
    votes = [{"user": user, "names": ["football"]} for user in users]
    share = {"n": 40, "value": 0.625, "low": 0.5, "high": 0.75}
    verdict = {"channel": bot.channel, "ts": bot.ts, "title": "Bake", "shown": "pizza", "settled": ["football"]}
    document = {
        "accuracy": [{"round": 1, "all": share, "blank": share}],
        "verdicts": [{**verdict, "votes": votes, "reward": 0.0}],
        "model": {"version": "v1", "since": "2025-01-01T00:00:00+00:00", "accuracy": 0.6, "trained_on": 12},
        "row": {"title": "<script>alert(1)</script>"},
    }
    assert bot.http.put("panel", json=document).json()["ok"]
    page.wait_for_selector('.big-number:has-text("62.5%")')
    assert "bob" in page.inner_text(".verdict"), "one's own vote is seen, however many voted before"
    page.click(".verdict")
    page.wait_for_selector(f'.message.flash[data-ts="{bot.ts}"]')
    assert "0.00" in page.inner_text(".verdict")
    assert "<script>" in page.inner_text(".row-json")


@needs_browser
def test_an_uploaded_picture_is_seen(bot: Any, page: Any) -> None:
    bot.web.files_upload_v2(filename="chart.png", content=PIXEL, channel=bot.channel, initial_comment="the round")
    picture = page.locator(".picture img")
    picture.wait_for()
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 1


@needs_browser
def test_hostile_text_stays_text(bot: Any, page: Any) -> None:
    bot.post(HOSTILE)
    bot.post("x" * 10_000)
    bot.do("message", user="ada", text=HOSTILE)
    page.wait_for_selector(".message:nth-of-type(4)")
    assert page.locator(".messages img").count() == 0
    assert page.locator('.messages a[href^="javascript"]').count() == 0
    assert "<img src=x" in page.inner_text(".messages")
    wide = page.evaluate(
        "document.querySelector('#messages').scrollWidth <= document.querySelector('#messages').clientWidth"
    )
    assert wide


@needs_browser
def test_five_hundred_messages_are_drawn_and_kept_in_step(bot: Any, page: Any) -> None:
    acts = [
        {"do": "message", "user": "ada", "text": f"message {n} :pizza: *bold* <https://example.com|link>"}
        for n in range(500)
    ]
    bot.do("acts", acts=acts)
    page.wait_for_selector('.message:has-text("message 499")')
    started = page.evaluate("performance.now()")
    page.reload()
    page.wait_for_selector('.message:has-text("message 499")')
    assert page.locator(".message").count() == 500
    assert page.evaluate("performance.now()") < 3000
    assert started > 0
    last = page.locator(".message").last
    last.focus()
    page.keyboard.press("r")
    page.keyboard.type("tada")
    page.keyboard.press("Enter")
    page.wait_for_selector('.pill[data-name="tada"]')


@needs_browser
@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_overflows_on_a_phone_or_a_desk(bot: Any, chromium: Any, width: int) -> None:
    bot.post("Bake a pizza in a very hot oven", blocks=[{"type": "section", "text": {**PLAIN, "text": "word " * 80}}])
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme="dark")
    page = context.new_page()
    page.goto(bot.info["url"])
    page.wait_for_selector(".message")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width < 700:
        page.click("#open-sidebar")
        page.wait_for_selector("#sidebar #me-select")
        page.keyboard.press("Escape")
        page.click("#open-panel")
        page.wait_for_selector("#close-panel")
    context.close()


@needs_browser
def test_a_time_stays_text_and_an_hour_has_no_leading_zero(bot: Any, chromium: Any) -> None:
    evening = 1_772_470_920  # 2 March 2026, 17:02 UTC
    bot.post(f"Won in 1:59:48, at <!date^{evening}^{{time}}|17:02> :pizza:")
    url = bot.info["url"] + "?as=bob"
    with open_page(chromium, url, locale="en-US", timezone_id="UTC") as page:
        body = page.locator(".message", has_text="Won in").locator(".glyph")
        assert body.all_inner_texts() == ["🍕"]
        shown = page.locator(".message", has_text="Won in").inner_text().replace("\u202f", " ")
    assert "Won in 1:59:48, at 5:02 PM" in shown


@needs_browser
def test_the_picker_previews_nothing_when_nothing_is_found(bot: Any, page: Any) -> None:
    page.locator(".message").last.focus()
    page.keyboard.press("r")
    page.keyboard.type("foot")
    page.wait_for_selector('#picker-name:text-is(":foot:")')
    page.keyboard.type("zzz")
    page.wait_for_selector('#picker-list:has-text("Nothing found")')
    assert page.inner_text("#picker-name") == ""
    assert page.inner_text("#picker-big") == ""
