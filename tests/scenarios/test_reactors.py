"""Whose vote counts, what Slack drops, and who is answered: by Socket Mode and by HTTP, on both databases."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.scenarios.conftest import wait_until
from tests.support.operator import WAYS, House, open_house_by
from tierbot.domain.nouns import Post


@pytest.fixture(scope="module", params=WAYS, ids=" and ".join)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house_by(request.param, tmp_path_factory.mktemp("house")) as built:
        yield built


def voters(house: House, post: Post) -> set[str]:
    """Return who votes on a post, by name."""
    names = {user: name for name, user in house.users.items()}
    with house.bot.store.read(house.workspace) as tx:
        return {names.get(vote.user, vote.user) for vote in tx.ledger.votes([post.id])[post.id]}


def settled(house: House, post: Post) -> bool:
    with house.bot.store.read(house.workspace) as tx:
        return any(item.post.id == post.id for item in tx.verdicts.settled())


@pytest.mark.parametrize(
    "traits",
    [{"bot": True}, {"home": "T0ABROAD"}, {"home": "T0ABROAD", "names_home": True}],
    ids=["another app's bot", "another team's", "another team's, named"],
)
def test_who_is_no_colleague_has_no_vote_and_settles_nothing(house: House, traits: dict[str, object]) -> None:
    (post,) = house.post()
    name = f"stranger{len(house.see('state')['users'])}"
    house.do("users", name=name, **traits)
    house.do("react", user=name, ts=post.ts, name="soccer")
    house.react("bob", post, "pizza")
    wait_until(lambda: settled(house, post), "a verdict")
    assert voters(house, post) == {"bob"}
    assert name not in str(house.do("command", user="bob", command="/leaderboard", wait=5)["responses"])


def test_a_workspaces_own_alias_counts_as_the_emoji_it_stands_for(house: House) -> None:
    (post,) = house.post()
    house.do("emoji", name="za", url="alias:pizza")
    wait_until(lambda: aliased(house), "the aliases to be read")
    house.react("cid", post, "za")
    wait_until(lambda: voters(house, post) == {"cid"}, "the vote")


def aliased(house: House) -> bool:
    with house.bot.store.read(house.workspace) as tx:
        return "za" in tx.workspaces.emoji_aliases()


def test_reactions_that_slack_drops_are_found_once_the_limit_ends(house: House) -> None:
    (post,) = house.post()
    house.do("faults", events_limited=True)
    house.do("react", user="dee", ts=post.ts, name="pizza")
    wait_until(lambda: house.see("stats").get("rate_limit_notices"), "app_rate_limited")
    house.do("faults", events_limited=False)
    assert voters(house, post) == set()
    house.clock.ahead += timedelta(minutes=2)
    wait_until(lambda: voters(house, post) == {"dee"}, "the comparison with Slack", 30)


def test_a_direct_message_is_answered(house: House) -> None:
    channel = house.do("dm", user="bob")["channel"]["id"]
    house.do("message", user="bob", channel=channel, text="hello?")
    wait_until(lambda: "your reactions teach me" in str(house.messages(channel)), "an answer")


def test_why_this_tag_opens_with_what_is_known_and_is_completed(house: House) -> None:
    (post,) = house.post()
    house.react("bob", post, "pizza")
    (view,) = house.do("shortcut", user="bob", callback_id="why_this_tag", ts=post.ts, wait=5)["views"]
    assert "How likely I thought each topic was" in str(view["blocks"])
    house.modal("bob", view["id"], lambda text: "reading the story" not in text)
