"""An explanation as a modal: says all that is known, in Slack's limits, whatever the story's text."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.slack.conftest import NOW
from tierbot.adapters.slack.shortcuts.explanations import render_explanation
from tierbot.domain.nouns import Arm, Selection
from tierbot.domain.predict.explain import Explanation, Neighbor, WordEffect
from tierbot.domain.tags import default_tag_space
from tierbot.sandbox.blocks import validate_view

TAGS = default_tag_space()
FOUND = Explanation(
    post_id="p1",
    title="Quarterback opens pizza place",
    url="https://n.example/1",
    shown_tag="food",
    probabilities=(("football", 0.6), ("food", 0.3), ("health", 0.05)),
    words=(WordEffect("pizza", 0.21), WordEffect("quarterback", -0.1), WordEffect("opens", 0.001)),
    neighbors=(Neighbor("Pizza chain expands", "https://n.example/2", ("food",), 0.71),),
    model_version="m0003",
    policy="epsilon/0.11",
    propensity=0.04,
    arm=Arm.TIER,
    arm_probability=0.85,
    selection=Selection("margin", 1.0),
    predicted_at=NOW,
)


def said(explanation):
    return json.dumps(render_explanation(explanation, TAGS)["blocks"], ensure_ascii=False)


def test_it_says_probabilities_words_stories_model_policy_and_arm():
    text = said(FOUND)
    assert "60%  :football: Football" in text
    assert "30%  :pizza: Food  ← shown" in text
    assert "would be less likely by: *pizza* 21 pts" in text
    assert "would be more likely by: *quarterback* 10 pts" in text
    assert "opens" not in text.replace("opens pizza place", "")
    assert "<https://n.example/2|Pizza chain expands>: :pizza: Food (71% similar)" in text
    assert "Model m0003 · policy epsilon/0.11 · shown with probability 0.04 (exploration; :football:" in text
    assert "Arm tier, drawn with probability 0.85" in text
    assert "How the story was chosen: margin" in text


def test_what_cannot_be_told_is_said_with_the_reason():
    text = said(replace(FOUND, words=(), note="Which words mattered cannot be told: Model m0003 is damaged."))
    assert "Model m0003 is damaged" in text


def test_without_a_word_that_matters_it_says_so():
    assert "No single word" in said(replace(FOUND, words=(WordEffect("opens", 0.001),)))


def test_stories_that_have_little_in_common_are_not_called_alike():
    assert "Similar stories" not in said(replace(FOUND, neighbors=(Neighbor("Kittens", "", ("food",), 0.24),)))


def test_a_story_cannot_break_out_of_its_link():
    text = said(replace(FOUND, title="<!channel> *x* `y`", url="javascript:alert(1)"))
    assert "<!channel>" not in text
    assert "javascript" not in text


@given(st.text(max_size=400), st.text(max_size=50), st.text(min_size=1, max_size=60))
def test_slack_takes_it_whatever_the_text(title, word, tag):
    odd = replace(
        FOUND,
        title=title,
        words=(WordEffect(word, 0.5),),
        probabilities=((tag, 0.9), ("food", 0.1)),
        neighbors=(Neighbor(title, title, (tag,), 0.9),) * 3,
    )
    assert validate_view(render_explanation(odd, TAGS)) == []


def test_what_is_known_at_once_is_shown_while_the_words_are_on_their_way():
    known = replace(FOUND, words=None, neighbors=())
    assert "60%  :football: Football" in said(known)
    assert "reading the story again" in said(known)
    assert validate_view(render_explanation(known, TAGS)) == []
