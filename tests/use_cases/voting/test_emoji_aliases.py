"""A workspace's own alias of an emoji counts as the emoji that it stands for."""

from tests.conftest import WORKSPACE, Harness
from tierbot.domain.nouns import Says
from tierbot.use_cases.ports import ChatError
from tierbot.use_cases.voting.emoji_aliases import JOB, read_aliases_soon


def said(harness: Harness, ts: str) -> set[tuple[str, str, str | None]]:
    """Settle, and return who says what about a post."""
    harness.settle()
    with harness.bot.store.read(WORKSPACE) as tx:
        post = tx.posts.at("C1", ts)
        assert post is not None
        return {(vote.user, vote.says, vote.tag) for vote in tx.ledger.votes([post.id])[post.id]}


def test_an_alias_counts_as_what_it_stands_for_even_through_another_alias(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.chat.aliases = {"za": "pizza", "zaza": "za", "around": "around_again", "around_again": "around"}
    harness.do(JOB)
    for user, name in (("U1", "za"), ("U2", "zaza"), ("U3", "around")):
        harness.react(user, ts, name)
    assert said(harness, ts) == {("U1", Says.NAMES, "food"), ("U2", Says.NAMES, "food")}


def test_a_reaction_that_came_before_its_alias_was_known_counts_once_it_is(harness: Harness) -> None:
    (ts,) = harness.posts(1)
    harness.react("U1", ts, "za")
    assert said(harness, ts) == set()
    harness.chat.aliases = {"za": "pizza"}
    read_aliases_soon(harness.bot.store, harness.clock, WORKSPACE)
    harness.do(JOB)
    assert said(harness, ts) == {("U1", Says.NAMES, "food")}
    harness.chat.aliases = {"za": "soccer"}
    harness.do(JOB)
    assert said(harness, ts) == {("U1", Says.NAMES, "soccer")}


def test_an_alias_of_a_thumb_approves_and_setting_up_again_keeps_the_aliases(harness: Harness) -> None:
    posts = harness.posts(4)
    harness.chat.aliases = {"yes": "thumbsup"}
    harness.do(JOB)
    with harness.bot.store.begin(WORKSPACE) as tx:
        tx.workspaces.put_tags(tx.workspaces.tags().updated(tx.workspaces.tags().active, harness.clock.now()))
        shown = {ts: post for ts in posts if (post := tx.posts.at("C1", ts)) and post.arm != "blank"}
    ts, post = next(iter(shown.items()))
    harness.react("U1", ts, "yes")
    assert said(harness, ts) == {("U1", Says.NAMES, post.shown_tag)}


def test_without_the_scope_the_bot_goes_on(harness: Harness) -> None:
    harness.chat.faults = [ChatError("missing_scope", "emoji:read is missing")]
    harness.do(JOB)
    with harness.bot.store.read(WORKSPACE) as tx:
        assert tx.workspaces.emoji_aliases() == {}
    assert harness.job(JOB).attempts == 0
