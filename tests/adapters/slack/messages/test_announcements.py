"""Announcements say who won and what the model learned, in plain words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.adapters.slack.messages.announcements import render_announcement
from tierbot.domain.tags import default_tag_space
from tierbot.sandbox.blocks import validate_blocks
from tierbot.use_cases.ports import ChatError

TAGS = default_tag_space()
ROUND = {
    "kind": "round_closed",
    "round": 3,
    "champion": "U0ANNA",
    "sharpshooter": "U0BEN",
    "standings": [
        {"rank": 1, "user": "U0ANNA", "score": 42, "judged": 42, "agreed": 30, "settled": 32},
        {"rank": 2, "user": "U0BEN", "score": 31, "judged": 31, "agreed": 28, "settled": 29},
    ],
    "posts": 200,
    "judged": 190,
    "accuracy": {"n": 170, "value": 0.78, "low": 0.71, "high": 0.84},
    "blank_accuracy": {"n": 30, "value": 0.73, "low": 0.55, "high": 0.86},
    "previous_accuracy": {"n": 165, "value": 0.61, "low": 0.53, "high": 0.68},
    "tags_improved": ["food", "gone<tag>"],
    "tags_struggling": ["law"],
}
COMPARISON = {
    "promote": True,
    "reason": "promoted: +5.8 points",
    "n": 120,
    "challenger": 0.88,
    "champion": 0.82,
    "difference": 7 / 120,
    "wins": 9,
    "losses": 2,
    "gain": 0.071,
    "belief": 0.98,
    "e_value": 1234.5,
    "worse": False,
    "forgotten": None,
    "overtaken": False,
}
MODEL = {
    "kind": "model_promoted",
    "model": "m0004",
    "number": 4,
    "parent": "m0003",
    "in_service": "m0003",
    "in_service_number": 3,
    "comparison": COMPARISON,
    "off_policy": "",
    "accuracy": {"n": 60, "value": 0.8, "low": 0.68, "high": 0.88},
    "rows": 1234,
}


def texts(announcement):
    message = render_announcement(announcement, TAGS)
    assert validate_blocks(list(message.blocks)) == []
    return [block["text"]["text"] if "text" in block else block["elements"][0]["text"] for block in message.blocks]


def test_a_closed_round_names_the_winners_and_what_was_learned():
    assert texts(ROUND) == [
        "🏁 Round 3 is over",
        (
            "🏆 <@U0ANNA> is the champion with 42 articles judged.\n"
            "🎯 <@U0BEN> is the sharpshooter: agreed with the team on 97% of 29 articles."
        ),
        ("🥇 <@U0ANNA> *42* · 94% agreement\n🥈 <@U0BEN> *31* · 97% agreement"),
        (
            "*What the model learned*\n"
            "All posts: right on 78% of 170 settled posts (95% interval 71 to 84%), "
            "up from 61% in the previous round.\n"
            "Blank posts, which had no emoji to click: "
            "right on 73% of 30 settled posts (95% interval 55 to 86%).\n"
            "Better at: :pizza: Food, gone&lt;tag&gt;.\n"
            "Needs your help with: :scales: Law."
        ),
        "200 posts, 190 judged. Later votes on them still train the model but no longer score.",
    ]
    assert render_announcement(ROUND, TAGS).text == "Round 3 is over. 🏆 <@U0ANNA>"


def test_a_change_that_may_be_chance_is_called_so():
    close = {**ROUND, "previous_accuracy": {"n": 165, "value": 0.81, "low": 0.74, "high": 0.86}}
    assert "down from 81% in the previous round, which may be chance." in texts(close)[3]


def test_a_round_without_reactions_is_closed_kindly():
    nothing = {"n": 0, "value": None, "low": None, "high": None}
    silent = {
        **ROUND,
        "champion": None,
        "sharpshooter": None,
        "standings": [],
        "judged": 0,
        "accuracy": nothing,
        "blank_accuracy": nothing,
        "previous_accuracy": None,
        "tags_improved": [],
        "tags_struggling": [],
    }
    assert texts(silent) == [
        "🏁 Round 3 is over",
        "Nobody judged an article this time. The next round has started.",
        "*What the model learned*\nAll posts: nothing settled yet.",
        "200 posts, 0 judged. Later votes on them still train the model but no longer score.",
    ]


def test_a_promotion_is_one_sentence_and_its_statistics_stand_in_the_thread():
    assert texts(MODEL) == ["🎓 Model 4 is live: 6 points better on 120 fair posts."]
    said = texts({**MODEL, "kind": "model_statistics", "off_policy": "estimated reward: 0.71 (off-policy, 40 posts)"})
    assert said[0].split("\n") == [
        "*Statistics of model 4 (m0004), compared with m0003*",
        (
            "• On 120 fair posts the new model was right on 88%, the old one on 82%: 9 only the new one got right, 2 only the "
            "old one. Its log score was 0.071 higher per post; it is the better one with a probability of 98%. Evidence that it "
            "isn't worse: e is over 1,000."
        ),
        "• Estimated reward: 0.71 (off-policy, 40 posts).",
        "• In service, m0003 was right on 80% of 60 settled posts (95% interval 68 to 88%).",
        "• It learned from 1,234 verdicts.",
    ]
    assert said[1].startswith("Fair posts are blank, selected at random")


def test_a_challenger_that_is_better_on_few_posts_is_not_celebrated():
    few = {**COMPARISON, "n": 33, "difference": 0.03, "wins": 2, "losses": 1}
    (said,) = texts({**MODEL, "comparison": few})
    assert said == "🧪 Model 4 is live: 3 points better on 33 fair posts, which may be chance."


def test_a_challenger_that_must_wait_is_announced_as_such():
    few = {**COMPARISON, "promote": False, "n": 33, "difference": 0.03, "wins": 2, "losses": 1}
    (said,) = texts({**MODEL, "kind": "model_refused", "comparison": few})
    assert said == "🧪 I kept model 3 for now: the new one looks better, but it's too early to say on 33 fair posts."


REFUSED = {
    **MODEL,
    "kind": "model_refused",
    "comparison": {**COMPARISON, "promote": False, "worse": True, "difference": -0.05, "wins": 2, "losses": 8},
}


def test_a_refused_model_says_who_stays_and_how_to_use_it_anyway():
    assert texts(REFUSED) == ["🧪 I kept model 3: the new one was worse, by 5 points on 120 fair posts."]
    assert "\n• To use it anyway: `tierbot models promote m0004`." in texts({**REFUSED, "kind": "model_statistics"})[0]


def test_the_round_report_says_what_came_of_its_challenger():
    promoted = {"number": 4, "before": 3, "comparison": COMPARISON}
    refused = {"number": 5, "before": 4, "comparison": REFUSED["comparison"]}
    assert texts({**ROUND, "training": promoted})[3].endswith(
        "\n🎓 Model 4 is live: 6 points better on 120 fair posts."
    )
    assert texts({**ROUND, "training": refused})[3].endswith(
        "\n🧪 I kept model 4: the new one was worse, by 5 points on 120 fair posts."
    )


def test_what_an_earlier_version_queued_is_still_sent():
    old = {"kind": "model_promoted", "model": "m0004", "number": 4, "reason": "promoted: +3.0 points"}
    assert texts(old) == ["🧪 Model 4 was trained. `/tier models` shows which model is in service."]


def test_who_opted_out_of_mentions_is_named_instead():
    message = render_announcement({**ROUND, "unmentioned": {"U0ANNA": "anna *b*", "U0BEN": ""}}, TAGS)
    said = repr(message)
    assert "<@" not in said
    assert "🏆 *anna \u2217b\u2217*" in said or "🏆 *anna ∗b∗*" in said
    assert "*a colleague*" in said


def test_a_rollback_names_who_did_it():
    said = texts({"kind": "model_rolled_back", "model": "m0003", "number": 3, "by": "U0ANNA"})
    assert said == ["↩️ <@U0ANNA> rolled the model back: 3 (m0003) is in service again."]


def test_a_broken_smoke_test_names_the_step_what_to_do_and_where_to_look():
    steps = [
        {"name": "post a canary", "outcome": "ok", "seconds": 0.2, "says": "in C1"},
        {"name": "react", "outcome": "broken", "seconds": 0.1, "says": "Slack says <no>."},
        {"name": "see the vote arrive", "outcome": "not tried", "seconds": 0.0, "says": ""},
    ]
    news = {"kind": "smoke_test_broken", "step": "react", "says": "Slack says <no>.", "channel": "C1", "steps": steps}
    said = "\n".join(texts(news))
    assert "failed at “react”" in said
    assert "Slack says &lt;no&gt;." in said
    assert "✓ post a canary\n✗ react\n– see the vote arrive" in said
    assert "In <#C1>. Run `tierbot doctor` to investigate." in said


def test_admins_read_which_feeds_take_too_much_and_what_to_do():
    feeds = [{"url": "https://e.com/a_b.xml", "problem": "takes more than 10 s of processor time to read. Remove it."}]
    said = "\n".join(texts({"kind": "costly_feeds", "feeds": feeds, "more": 2}))
    assert "3 feeds take too much processor time or memory to read" in said
    assert "• `https://e.com/a_b.xml` takes more than 10 s of processor time to read. Remove it." in said
    assert "… and 2 more: `tierbot feeds list`." in said
    assert "all other feeds are read as usual" in said
    assert "1 feed takes" in "\n".join(texts({"kind": "costly_feeds", "feeds": feeds, "more": 0}))


def test_an_unknown_kind_is_refused_for_good():
    with pytest.raises(ChatError) as caught:
        render_announcement({"kind": "party"}, TAGS)
    assert caught.value.code == "unknown_announcement"


@pytest.mark.parametrize("key", ["round", "standings", "posts", "accuracy", "blank_accuracy"])
def test_an_announcement_that_lacks_a_key_is_refused_for_good(key):
    with pytest.raises(ChatError) as caught:
        render_announcement({name: value for name, value in ROUND.items() if name != key}, TAGS)
    assert caught.value.code == "bad_announcement"


@given(
    reason=st.text(st.characters(), max_size=5000),
    model=st.text(st.characters(), min_size=1, max_size=300),
    tags=st.lists(st.text(st.characters(), max_size=100), max_size=80),
    user=st.text(st.characters(), min_size=1, max_size=300),
)
def test_any_words_in_an_announcement_are_taken_by_slack(reason, model, tags, user):
    texts({**MODEL, "kind": "model_statistics", "off_policy": reason, "model": model, "parent": model})
    texts({"kind": "model_rolled_back", "model": model, "number": 3, "by": user})
    row = {"rank": 1, "user": user, "score": 1, "judged": 1, "agreed": 0, "settled": 0}
    texts({**ROUND, "tags_improved": tags, "tags_struggling": tags, "champion": user, "standings": [row] * 10})
