"""A post reads well, names what its arm allows, and is never refused by Slack."""

import re
from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.slack import ARTICLE, NOW
from tierbot.adapters.slack.block_kit.blocks import Message
from tierbot.adapters.slack.messages.posts import render_post
from tierbot.domain.nouns import Arm, Post, Tag, TierbotError
from tierbot.domain.tags import TagSpace, default_tag_space
from tierbot.sandbox.blocks import validate_blocks
from tierbot.use_cases.ports import PostView


def post(arm: Arm, **changes: object) -> PostView:
    made = Post(
        id="p1",
        prediction_id="r1",
        article_id="a1",
        round_number=1,
        arm=arm,
        arm_probability=0.8,
        shown_tag="food",
        channel="C1",
        created_at=NOW,
    )
    shown = None if arm is Arm.BLANK else "food"
    return PostView(made, replace(ARTICLE, **changes), default_tag_space(), shown)


def texts(message: Message) -> list[str]:
    said = [block for block in message.blocks if block["type"] != "image"]
    return [block["text"]["text"] if "text" in block else block["elements"][0]["text"] for block in said]


STORY = (
    "*<https://herald.example/chef?a=1&amp;b=2|Chef wins award for &lt;best&gt; pizza &amp; pasta>*\n"
    "Harbour Herald · 3 h ago\n"
    "A chef from Naples has won the city's award for the third time in a row, the jury said on Monday."
)


def test_the_tier_arm_names_the_tag_and_asks_for_its_emoji():
    message = render_post(post(Arm.TIER), NOW)
    assert texts(message) == [
        STORY,
        ":pizza: *Food?*",
        "React :pizza: if it fits, or the emoji of each topic that does. 👎 wrong · 😕 unsure.",
    ]
    assert message.text == "Food? Harbour Herald: Chef wins award for &lt;best&gt; pizza &amp; pasta"


def test_the_basic_arm_names_the_tag_and_asks_for_a_thumb():
    assert texts(render_post(post(Arm.BASIC), NOW))[1:] == [
        "Is this :pizza: *Food*?",
        "👍 right · 👎 wrong · 😕 unsure, or several. Or react with the emoji of the topic that fits.",
    ]


def test_the_blank_arm_names_nothing_anywhere():
    message = render_post(post(Arm.BLANK), NOW)
    assert texts(message) == [STORY, "*What is this about?*", "React with the emoji of each topic that fits."]
    assert "food" not in repr(message).lower()
    assert message.text == "Harbour Herald: Chef wins award for &lt;best&gt; pizza &amp; pasta"


def test_the_blank_arm_names_nothing_even_if_it_is_told_the_tag():
    told = replace(post(Arm.BLANK), tag_id="food")
    assert render_post(told, NOW) == render_post(post(Arm.BLANK), NOW)


def test_the_picture_stands_beside_the_story_if_it_is_https():
    shown = render_post(post(Arm.TIER), NOW).blocks[0]
    assert shown["accessory"] == {
        "type": "image",
        "image_url": "https://herald.example/chef.jpg",
        "alt_text": "Chef wins award for <best> pizza & pasta",
    }
    assert "accessory" not in render_post(post(Arm.TIER, image_url="http://herald.example/chef.jpg"), NOW).blocks[0]
    assert "accessory" not in render_post(post(Arm.TIER), NOW, image=False).blocks[0]


def test_a_picture_without_an_address_is_a_caption_and_shows_it_large():
    caption = post(Arm.BASIC, url="", title="A chef throws dough", text="")
    first, story, *_ = render_post(caption, NOW).blocks
    assert (first["type"], first["image_url"]) == ("image", "https://herald.example/chef.jpg")
    assert first["alt_text"] == "A chef throws dough"
    assert "accessory" not in story
    assert render_post(caption, NOW, image=False).blocks[0] == story
    assert validate_blocks(list(render_post(caption, NOW).blocks)) == []


def test_an_empty_title_takes_the_text_in_its_place():
    assert texts(render_post(post(Arm.TIER, title=" \u200b", url=""), NOW))[0] == (
        "*A chef from Naples has won the city's award for the third time in a row…*\nHarbour Herald · 3 h ago"
    )


def test_an_article_with_nothing_in_it_survives():
    empty = post(Arm.TIER, title="", text="", url="", source="", published_at=None)
    message = render_post(empty, NOW)
    assert texts(message)[0] == "*Untitled*"
    assert message.text == "Food? Untitled"


def test_a_link_of_another_scheme_is_text():
    assert texts(render_post(post(Arm.TIER, url="javascript:alert(1)"), NOW))[0].startswith("*Chef wins award")


def test_an_arm_that_names_a_tag_is_refused_without_one():
    with pytest.raises(TierbotError, match=r"p1.*isn't in the tag space"):
        render_post(replace(post(Arm.TIER), tag_id=None), NOW)


any_text = st.text(st.characters(), max_size=400)


@given(
    title=any_text,
    text=any_text,
    source=any_text,
    url=st.one_of(any_text, any_text.map(lambda rest: f"https://a.example/{rest}")),
    image_url=st.one_of(st.none(), any_text.map(lambda rest: f"https://a.example/{rest}")),
    published_at=st.one_of(st.none(), st.datetimes(timezones=st.just(UTC))),
    name=any_text,
    arm=st.sampled_from(Arm),
)
def test_any_article_and_tag_give_blocks_that_slack_takes(arm, name, **changes):
    tag = Tag("x", name, "pizza", "🍕", "anything")
    view = replace(post(arm, **changes), tags=TagSpace([tag]), tag_id=None if arm is Arm.BLANK else "x")
    message = render_post(view, NOW)
    assert validate_blocks(list(message.blocks)) == []
    assert 0 < len(message.text) <= 4000
    message.text.encode()
    assert "<!" not in repr(message)
    assert all("<@" not in said for said in texts(message))


@given(st.sampled_from("&<>*_`~|\u202e"), st.integers(1, 5000))
def test_the_longest_texts_stay_within_the_limits(character, times):
    bulk = character * times
    long_link = "https://a.example/?" + "&" * min(times, 360)
    message = render_post(post(Arm.TIER, title="T" + bulk, text="x" + bulk, source="s" + bulk, url=long_link), NOW)
    assert validate_blocks(list(message.blocks)) == []


@pytest.mark.parametrize("arm", list(Arm))
def test_outside_text_brings_no_emoji_of_its_own(arm: Arm) -> None:
    told = {"title": "First in 1:59:48 :football:", "text": "A :tada: in 2:03:04.", "source": "The :soccer: Post"}
    message = render_post(post(arm, **told), NOW)
    colons = set(re.findall(r":[^\s:]+:", "\n".join([message.text, *texts(message)]).replace("https://", "")))
    assert colons <= {":pizza:"}
    assert "First in 1∶59:48 ∶football:" in message.text
