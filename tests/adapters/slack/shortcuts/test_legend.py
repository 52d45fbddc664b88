"""The legend lists every topic with its emoji, in what Slack takes."""

from dataclasses import replace

import pytest

from tierbot.adapters.slack.shortcuts.legend import legend_view, render_legend
from tierbot.domain.tags import default_tag_space
from tierbot.sandbox.blocks import validate_blocks, validate_view

TAGS = default_tag_space().active


def test_tags_shows_emoji_name_and_what_belongs_there_and_says_how_to_see_the_rest():
    shown = render_legend(TAGS, "")
    text = str(shown.blocks)
    assert shown.text == "72 topics, the most used first"
    assert ":ballot_box_with_ballot:  *Politics*  `:ballot_box_with_ballot:`  Elections, parties" in text
    assert "and 47 more topics; add a word to search" in text


def test_a_word_is_repeated_as_text():
    assert "for “&lt;!here&gt;”" in render_legend(TAGS[:1], "<!here>").text


@pytest.mark.parametrize("count", [0, 1, 72, 1000])
def test_slack_takes_the_modal_however_many_tags_there_are(count):
    tags = [replace(TAGS[0], id=f"t{number}", description="x" * 400) for number in range(count)]
    assert validate_view(legend_view(tags, "sport")) == []
    assert validate_blocks([*render_legend(tags, "sport").blocks]) == []
