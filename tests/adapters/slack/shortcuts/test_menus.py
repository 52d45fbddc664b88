"""The menu of all tags as a modal, and what a submission says."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.slack.conftest import NOW
from tierbot.adapters.slack.shortcuts.menus import ACTION, BLOCK, CALLBACK, Named, options_for, read_menu, render_menu
from tierbot.domain.nouns import TierbotError
from tierbot.domain.tags import TagSpace, default_tag_space
from tierbot.sandbox.blocks import validate_view
from tierbot.use_cases.voting.menu_votes import Menu

TAGS = default_tag_space()


def select(view):
    return view["blocks"][0]["element"]


def many(count):
    tag = TAGS["food"]
    return TagSpace(
        replace(tag, id=f"t{i}", name=f"Topic {i:04d} " + "x" * (i % 90), short_name=f"e{i}") for i in range(count)
    )


def test_every_active_tag_is_offered_by_name_with_its_emoji():
    retired = TAGS.updated([tag for tag in TAGS if tag.id != "law"], NOW)
    options = options_for(retired, "")
    assert {option["value"] for option in options} == set(TAGS.ids) - {"law"}
    texts = [option["text"]["text"] for option in options]
    assert ":pizza: Food" in texts
    names = [text.split(": ", 1)[1].casefold() for text in texts]
    assert names == sorted(names)


def test_what_stands_chosen_is_in_it_already():
    view = render_menu(Menu(TAGS, frozenset({"food", "gone"})), "C1", "1.000001")
    assert [option["value"] for option in select(view)["initial_options"]] == ["food"]


@pytest.mark.parametrize("count", [1, 72, 100, 101, 250, 1000])
def test_slack_takes_it_however_many_tags_there_are(count):
    view = render_menu(Menu(many(count), frozenset({"t0"})), "C1", "1.000001")
    assert validate_view(view) == []
    assert len(options_for(many(count), "")) == min(count, 100)
    assert [one["value"] for one in options_for(many(count), f"topic {count - 1:04d}")][:1] == [f"t{count - 1}"]


def test_what_is_typed_finds_what_is_meant():
    assert options_for(TAGS, "film")[0]["value"] == "movies"
    assert options_for(TAGS, "xyzzy") == []


def submitted(**values):
    view = render_menu(Menu(TAGS, frozenset()), "C1", "1.000001")
    return {**view, "id": "V1", "state": {"values": {BLOCK: {ACTION: values}}}}


def test_a_submission_says_where_and_what():
    options = [{"value": "food"}, {"value": "law"}, {"value": "food"}]
    assert read_menu(submitted(selected_options=options)) == Named("C1", "1.000001", ("food", "law"), "V1")
    assert read_menu(submitted(selected_options=[])).tag_ids == ()
    assert submitted()["callback_id"] == CALLBACK


@given(
    st.dictionaries(
        st.sampled_from(["private_metadata", "state", "id", "x"]),
        st.one_of(st.none(), st.text(max_size=20), st.integers(), st.dictionaries(st.text(max_size=5), st.none())),
    )
)
def test_junk_is_refused_in_words(junk):
    with pytest.raises(TierbotError, match="another version"):
        read_menu(junk)
