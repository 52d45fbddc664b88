"""The legend in Slack: `/tags`, and the button on a post with its search, over real sockets."""

import pytest

from tests.support.operator import open_house


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with open_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


def test_topics_are_found_by_command_and_by_the_button_on_a_post(house):
    answer = str(house.do("command", user="bob", command="/tags film", wait=5, expect=1)["responses"])
    assert "*Movies*" in answer
    assert "*Law*" not in answer
    (post,) = house.post()
    opened = house.do("action", user="bob", ts=post.ts, action_id="tierbot_legend", wait=5)
    (view,) = opened["views"]
    assert "*Law*" in str(view["blocks"])
    found = house.do("submit", user="bob", view_id=view["id"], values={"typed": "NBA"})
    assert "*Basketball*" in str(found["view"]["blocks"])
    assert "*Law*" not in str(found["view"]["blocks"])
