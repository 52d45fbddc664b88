"""The whole bot behind the sandbox's page in a real browser: what a colleague clicks lands in the ledger."""

import re

import pytest

from tests.scenarios.conftest import wait_until
from tests.support.browser import needs_browser, open_browser, open_page
from tests.support.operator import House, open_house
from tierbot.domain.nouns import Arm, Post, Source

pytestmark = needs_browser


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with open_house(tmp_path_factory.mktemp("house"), blank_share=0.1) as opened:
        opened.post()
        yield opened


@pytest.fixture(scope="module")
def chromium():
    with open_browser() as browser:
        yield browser


@pytest.fixture
def page(house, chromium):
    with open_page(chromium, f"{house.sandbox.address.url}?as=bob") as opened:
        yield opened


def hinted(house: House) -> Post:
    """Return a new post that shows its tag's emoji; blank ones show none."""
    while True:
        (post,) = house.post()
        if post.arm is Arm.TIER:
            return post


def emoji(house: House, post: Post) -> str:
    with house.bot.store.read(house.workspace) as tx:
        return tx.workspaces.tags()[post.shown_tag].short_name


def votes(house: House, post: Post) -> set[tuple[str, str | None]]:
    """Return who votes what on a post, as the bot's database has it."""
    names = {user: name for name, user in house.users.items()}
    with house.bot.store.read(house.workspace) as tx:
        return {(names[vote.user], vote.tag) for vote in tx.ledger.votes([post.id]).get(post.id, [])}


def landed(house: House, post: Post, expected: set[tuple[str, str | None]]) -> None:
    wait_until(lambda: votes(house, post) == expected, f"the votes {expected}")


def message(page, ts: str | None):
    return page.locator(f'.message[data-ts="{ts}"]')


def choose_in_menu(page, ts: str | None, entry: str) -> None:
    message(page, ts).hover()
    message(page, ts).locator('[data-tool="more"]').click()
    page.get_by_role("menuitem", name=entry).click()


def expecting(locator):
    from playwright.sync_api import expect

    return expect(locator)


def test_a_click_on_a_pill_is_a_vote_and_another_click_takes_it_back(house, page):
    post = hinted(house)
    pill = message(page, post.ts).locator(f'.pill[data-name="{emoji(house, post)}"]')
    expecting(pill.locator(".count")).to_have_text("1")
    pill.click()
    expecting(pill.locator(".count")).to_have_text("2")
    expecting(pill).to_have_attribute("aria-pressed", "true")
    landed(house, post, {("bob", post.shown_tag)})
    pill.click()
    expecting(pill.locator(".count")).to_have_text("1")
    landed(house, post, set())
    with house.bot.store.read(house.workspace) as tx:
        events = tx.ledger.events(post.channel, post.ts or "")
    mine = [(event.name, event.added) for event in events if event.user == house.users["bob"]]
    assert mine == [(emoji(house, post), True), (emoji(house, post), False)], "both clicks are kept"


def test_another_tag_from_the_picker_is_a_vote_for_it(house, page):
    post = hinted(house)
    message(page, post.ts).hover()
    message(page, post.ts).locator('[data-tool="react"]').click()
    page.keyboard.type("football")
    page.locator('#picker button[data-name="football"]').click()
    pill = message(page, post.ts).locator('.pill[data-name="football"]')
    expecting(pill).to_have_attribute("aria-pressed", "true")
    landed(house, post, {("bob", "football")})


def type_in(page, text: str) -> None:
    page.fill("#composer-input", text)
    page.keyboard.press("Escape")  # the list of suggestions
    page.locator("#send").click()


def test_two_colleagues_ask_for_the_standings_and_each_sees_their_own_score(house, page):
    post = hinted(house)
    message(page, post.ts).locator(f'.pill[data-name="{emoji(house, post)}"]').click()
    house.react("cid", post, emoji(house, post))
    landed(house, post, {("bob", post.shown_tag), ("cid", post.shown_tag)})
    boards = page.locator('.message:not(.whisper):has-text("Leaderboard · Round 1")')
    scores = page.locator(".whisper")
    for asked, name in enumerate(("bob", "cid"), start=1):
        page.locator("#me-select").select_option(label=name)
        expecting(scores).to_have_count(0)
        type_in(page, "/leaderboard")
        expecting(boards).to_have_count(asked)
        expecting(boards.last).to_contain_text(re.compile("bob.*cid|cid.*bob", re.DOTALL))
        type_in(page, "/myscore")
        expecting(scores).to_contain_text(re.compile(r"you are \d+(st|nd|rd|th) of \d"))


def test_why_this_tag_is_told_who_has_voted(house, page):
    post = hinted(house)
    choose_in_menu(page, post.ts, "Why this tag?")
    expecting(page.locator("dialog")).to_contain_text("Please vote first")
    page.get_by_role("button", name="Close").last.click()
    message(page, post.ts).locator(f'.pill[data-name="{emoji(house, post)}"]').click()
    landed(house, post, {("bob", post.shown_tag)})
    choose_in_menu(page, post.ts, "Why this tag?")
    dialog = page.locator("dialog")
    expecting(dialog).to_contain_text("Words that mattered")
    expecting(dialog).to_contain_text("Model m0001")
    page.keyboard.press("Escape")
    expecting(dialog).to_be_hidden()


def test_a_tag_named_by_menu_is_a_vote_and_stands_on_the_post(house, page):
    post = hinted(house)
    choose_in_menu(page, post.ts, "Name the right tag")
    box = page.locator("dialog").get_by_role("combobox")
    box.fill("football")
    page.locator("dialog").get_by_role("option", name="Football").click()
    chip = page.locator(".chip")
    expecting(chip).to_contain_text("🏈")
    assert ":" not in chip.inner_text(), "a short name is shown as its emoji"
    page.get_by_role("button", name="Vote").click()
    expecting(page.locator("dialog")).to_be_hidden()
    landed(house, post, {("bob", "football")})
    expecting(message(page, post.ts)).to_contain_text("By menu")
    with house.bot.store.read(house.workspace) as tx:
        (event,) = [one for one in tx.ledger.events(post.channel, post.ts or "") if one.user == house.users["bob"]]
    assert (event.source, event.name) == (Source.MENU, "football")


def test_five_to_judge_are_asked_for_in_app_home_and_judged_in_the_messages(house, page):
    house.post(6)
    page.locator("#me-select").select_option(label="dee")
    page.locator("#app-list button").click()
    page.get_by_role("button", name="Send me five to judge").click()
    expecting(page.locator("#home")).to_contain_text("5 posts on the way")
    page.get_by_role("tab", name="Messages").click()
    expecting(page.locator(".message:not(.whisper)")).to_have_count(5)
    first = page.locator(".message:has(.pill[data-name])").first
    place = (first.get_attribute("data-channel"), first.get_attribute("data-ts"))

    def post_there():
        with house.bot.store.read(house.workspace) as tx:
            return tx.posts.at(*place)

    post = wait_until(post_there, "the post to be known there")
    first.locator(f'.pill[data-name="{emoji(house, post)}"]').click()
    wait_until(lambda: ("dee", post.shown_tag) in votes(house, post), "dee's vote")
    with house.bot.store.read(house.workspace) as tx:
        events = tx.ledger.events(*place)
    assert [(event.user, event.name) for event in events] == [(house.users["dee"], emoji(house, post))]
