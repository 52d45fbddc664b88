"""“Name the right tag”, chosen in Slack, over real sockets."""

import pytest

from tests.scenarios.conftest import wait_until
from tests.support.operator import House, open_house


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with open_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


def open_menu(house: House, user: str, ts: str):
    answer = house.do("shortcut", user=user, callback_id="name_the_right_tag", ts=ts, wait=5)
    (view,) = answer["views"]
    return view


def support(house: House, post):
    with house.bot.store.read(house.workspace) as tx:
        found = tx.verdicts.latest([post.id]).get(post.id)
    return dict(found.support) if found else None


def test_a_tag_named_by_menu_is_a_vote_shows_on_the_post_and_can_be_withdrawn(house):
    (post,) = house.post()
    before = house.message(post.ts)
    for user in ("bob", "cid"):
        view = open_menu(house, user, post.ts)
        typed = house.do("suggest", user=user, view_id=view["id"], action_id="tag", value="nfl")
        assert [one["value"] for one in typed["options"]] == ["football"]
        house.do("submit", user=user, view_id=view["id"], values={"tag": ["football"]})
    wait_until(lambda: support(house, post) == {"football": 2}, "the verdict")
    wait_until(lambda: "By menu: :football: ×2" in str(house.message(post.ts)["blocks"]), "the summary")
    view = open_menu(house, "bob", post.ts)
    assert [one["value"] for one in view["blocks"][0]["element"]["initial_options"]] == ["football"]
    house.do("submit", user="bob", view_id=view["id"], values={"tag": []})
    view = open_menu(house, "cid", post.ts)
    house.do("submit", user="cid", view_id=view["id"], values={"tag": []})
    wait_until(lambda: "By menu" not in str(house.message(post.ts)["blocks"]), "the summary to go")
    after = house.message(post.ts)
    texts = [[str(block.get("text")) for block in shown["blocks"]] for shown in (before, after)]
    assert texts[0] == texts[1], "the rest of the message stays as it was"
    wait_until(lambda: support(house, post) == {}, "the verdict to follow")


def test_another_message_has_no_menu(house):
    ts = house.do("message", user="bob", text="lunch?")["ts"]
    assert "isn't one of my posts" in str(open_menu(house, "bob", ts)["blocks"])


def test_a_vote_that_cannot_be_kept_is_told_in_the_form(house, monkeypatch):
    from tierbot.domain.nouns import TierbotError

    (post,) = house.post()
    view = open_menu(house, "bob", post.ts)

    def broken(*_):
        raise TierbotError("The database is busy. Please try again.")

    monkeypatch.setattr(house.bot.menu_votes, "name", broken)
    house.do("suggest", user="bob", view_id=view["id"], action_id="tag", value="food")
    answer = house.do("submit", user="bob", view_id=view["id"], values={"tag": ["food"]})
    assert answer["errors"] == {"tierbot_named": "The database is busy. Please try again."}
