"""TfIdfWeights the bot's messages as a colleague does: story, arm, pre-fill, counts; and what is known of the story."""

from dataclasses import replace
from typing import Any

import pytest

from tierbot.domain.nouns import Arm
from tierbot.domain.tags import default_tag_space
from tierbot.simulate.messages import Truth, reactions_of, story_of, view_of

TAGS = default_tag_space()
BOT = "U0BOT"


def message(
    question: str, *, head: str = "*<https://a.example/x?a=1&amp;b=2|Cats &amp; dogs>*\nA · 2 h", **changes: Any
) -> dict[str, Any]:
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": head}},
        {"type": "section", "text": {"type": "mrkdwn", "text": question}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "How to answer. 👎 wrong"}]},
    ]
    return {"ts": "1.000001", "channel": "C1", "user": BOT, "text": "Cats", "blocks": blocks, **changes}


def reaction(name: str, *users: str) -> dict[str, Any]:
    return {"name": name, "users": list(users), "count": len(users)}


def test_a_story_is_read_from_its_link() -> None:
    story = story_of(message(":pizza: *Food?*"), BOT, TAGS)
    assert story is not None
    assert (story.url, story.title, story.shown_tag) == ("https://a.example/x?a=1&b=2", "Cats & dogs", "food")


def test_a_story_without_a_link_is_read_from_its_title() -> None:
    story = story_of(message("*What is this about?*", head="*Cats &amp; dogs*\nSomewhere"), BOT, TAGS)
    assert story is not None
    assert (story.url, story.title, story.shown_tag) == ("", "Cats & dogs", None)


def test_an_emoji_in_the_title_names_no_tag() -> None:
    story = story_of(message("*What is this about?*", head="*<https://a.example/|The :pizza: effect>*"), BOT, TAGS)
    assert story is not None
    assert story.shown_tag is None


@pytest.mark.parametrize(
    "other",
    [
        message(":pizza: *Food?*", user="U0ELSE"),
        message(":pizza: *Food?*", blocks=None),
        message(":pizza: *Food?*", head="Round 3 is over"),
        {"ts": "1.0", "user": BOT, "text": "hello"},
    ],
)
def test_other_messages_are_no_stories(other: dict[str, Any]) -> None:
    assert story_of(other, BOT, TAGS) is None


def test_the_arm_is_what_the_message_shows() -> None:
    named, blank = story_of(message(":pizza: *Food?*"), BOT, TAGS), story_of(message("*What?*"), BOT, TAGS)
    assert named is not None
    assert blank is not None
    tier = view_of(named, reactions_of([reaction("pizza", BOT, "U1")], BOT), ("food",), TAGS, hour=9, judged_today=0)
    assert (tier.arm, tier.shown_tag, tier.prefilled, tier.visible) == (Arm.TIER, "food", ("pizza",), {"pizza": 1})
    thumbs = [reaction("+1", BOT), reaction("-1", BOT), reaction("confused", BOT, "U1", "U2")]
    basic = view_of(named, reactions_of(thumbs, BOT), (), TAGS, hour=9, judged_today=0)
    assert (basic.arm, basic.prefilled, basic.visible) == (Arm.BASIC, ("+1", "-1", "confused"), {"confused": 2})
    seen = view_of(blank, reactions_of([reaction("+1", "U1")], BOT), (), TAGS, hour=9, judged_today=0)
    assert (seen.arm, seen.shown_tag, seen.prefilled) == (Arm.BLANK, None, ())


def test_counts_hold_where_the_list_of_users_is_cut_short() -> None:
    seen = reactions_of([{"name": "pizza", "users": [BOT, "U1"], "count": 9}], BOT)
    assert seen.visible == {"pizza": 8}
    assert seen.people == {"U1"}


def test_truth_is_found_by_any_form_of_the_url_or_by_the_title() -> None:
    truth = Truth([("http://www.a.example/x?utm_source=mail", "Cats & dogs", ("animals",)), ("", "Untied!", ("law",))])
    assert truth.tags_of("https://a.example/x", "") == ("animals",)
    assert truth.tags_of("https://b.example/", "cats  dogs") == ("animals",)
    assert truth.tags_of("", "UNTIED") == ("law",)
    assert truth.tags_of("", "") is None
    assert truth.tags_of("https://a.example/y", "Birds") is None


def test_a_title_cut_short_is_still_known() -> None:
    title = "word " * 60
    assert Truth([("", title, ("law",))]).tags_of("", title[:149] + "…") == ("law",)


def test_of_two_stories_with_one_url_the_first_counts() -> None:
    truth = Truth([("https://a.example/", "One", ("law",)), ("https://a.example/", "Two", ("food",))])
    assert truth.tags_of("https://a.example/", "Two") == ("law",)


def test_a_story_keeps_its_place() -> None:
    story = story_of(message(":pizza: *Food?*"), BOT, TAGS)
    assert story is not None
    assert (story.ts, story.channel) == ("1.000001", "C1")
    assert replace(story, ts="2") != story
