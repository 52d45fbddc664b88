"""Why a post shows its tag: told to who has voted, read from the model that predicted, kept for the next who asks."""

import pytest

from tests.conftest import WORKSPACE, Harness
from tierbot.domain.nouns import Arm, TierbotError
from tierbot.use_cases.models.explanations import NotVotedError
from tierbot.use_cases.ports import Transaction


def read(harness: Harness):
    return harness.bot.store.read(WORKSPACE)


def post_at(tx: Transaction, ts: str):
    post = tx.posts.at("C1", ts)
    assert post is not None
    return post


def test_before_voting_nobody_is_told(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.react("U2", ts, harness.emoji(ts))
    with pytest.raises(NotVotedError, match="Please vote first"):
        harness.bot.explanations.post_for(WORKSPACE, "U1", "C1", ts)


def test_a_vote_that_no_tally_has_read_yet_is_enough(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.react("U1", ts, "pizza")
    with read(harness) as tx:
        assert harness.bot.explanations.post_for(WORKSPACE, "U1", "C1", ts) == post_at(tx, ts).id


def test_a_vote_taken_back_and_an_emoji_that_says_nothing_are_not_enough(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.react("U1", ts, "pizza")
    harness.react("U1", ts, "pizza", added=False)
    harness.react("U1", ts, "eyes")
    with pytest.raises(NotVotedError):
        harness.bot.explanations.post_for(WORKSPACE, "U1", "C1", ts)


def test_a_thumb_on_a_blank_post_is_no_vote_and_earns_no_answer(harness: Harness) -> None:
    blank = next(ts for ts in harness.posts(40) if harness.chat.posts[ts].post.arm is Arm.BLANK)
    harness.react("U1", blank, "+1")
    with pytest.raises(NotVotedError):
        harness.bot.explanations.post_for(WORKSPACE, "U1", "C1", blank)


def test_another_message_is_none_of_our_posts(harness: Harness) -> None:
    with pytest.raises(TierbotError, match="isn't one of my posts"):
        harness.bot.explanations.post_for(WORKSPACE, "U1", "C1", "1700000000.000001")


def test_an_explanation_says_what_the_prediction_says(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    with read(harness) as tx:
        post = post_at(tx, ts)
        prediction = tx.posts.prediction(post.prediction_id)
        article = tx.articles.get([post.article_id])[post.article_id]
    found = harness.bot.explanations.explanation(WORKSPACE, post.id)
    assert found.note == ""
    assert (found.shown_tag, found.model_version, found.policy) == (post.shown_tag, "m0001", prediction.policy)
    assert (found.propensity, found.arm, found.arm_probability) == (
        prediction.propensity, post.arm, post.arm_probability,
    )  # fmt: skip
    assert dict(found.probabilities)[post.shown_tag] == prediction.probabilities[post.shown_tag]
    assert {one.word for one in found.words} <= set(article.title.split())
    assert any(one.drop != 0 for one in found.words)


def test_the_words_are_those_of_the_model_that_predicted_even_after_another_took_over(harness: Harness) -> None:
    posts = harness.posts(12)
    with read(harness) as tx:
        post = post_at(tx, posts[0])
    before = harness.bot.explanations.explanation(WORKSPACE, post.id)
    for ts in posts:
        for user in ("U1", "U2"):
            harness.react(user, ts, "football")
    harness.bot.loop.look_up(WORKSPACE)
    training = harness.bot.loop.retrain(WORKSPACE)
    assert training is not None
    harness.bot.explanations._kept.cache_clear()
    after = harness.bot.explanations.explanation(WORKSPACE, post.id)
    assert after.model_version == "m0001"
    assert [(one.word, one.drop) for one in after.words] == [(one.word, one.drop) for one in before.words]


def test_near_stories_are_labeled_ones_the_nearest_first(harness: Harness) -> None:
    posts = harness.posts(12)
    for ts in posts[1:]:
        topic = "pizza" if "pizza" in harness.chat.posts[ts].article.title else "football"
        harness.react("U1", ts, topic)
        harness.react("U2", ts, topic)
    harness.settle()
    asked = next(ts for ts in posts if "pizza" in harness.chat.posts[ts].article.title)
    with read(harness) as tx:
        post = post_at(tx, asked)
    near = harness.bot.explanations.explanation(WORKSPACE, post.id).neighbors
    assert [one.similarity for one in near] == sorted((one.similarity for one in near), reverse=True)
    assert "pizza" in near[0].title
    assert near[0].tags == ("food",)
    assert harness.chat.posts[asked].article.title not in {one.title for one in near}


def test_asking_twice_reads_once(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    (ts,) = harness.posts(1)
    with read(harness) as tx:
        post_id = post_at(tx, ts).id
    first = harness.bot.explanations.explanation(WORKSPACE, post_id)
    monkeypatch.setattr(harness.bot.explanations, "_encoder", None)
    assert harness.bot.explanations.explanation(WORKSPACE, post_id) is first


def test_a_post_is_found_by_id_by_ts_and_by_permalink(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    with read(harness) as tx:
        post_id = post_at(tx, ts).id
    link = f"https://team.slack.com/archives/C1/p{ts.replace('.', '')}"
    for reference in (post_id, f" {ts} ", link, link + "?thread_ts=1.2&cid=C1"):
        assert harness.bot.explanations.find(WORKSPACE, reference) == post_id
    for stranger in ("nothing", "1700000000.000001", "https://team.slack.com/archives/C9/p1700000000000001", ""):
        with pytest.raises(TierbotError, match="There is no post"):
            harness.bot.explanations.find(WORKSPACE, stranger)
