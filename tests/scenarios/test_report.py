"""The end of a round in Slack: the report, and a real picture drawn in a child process."""

from tests.scenarios.conftest import wait_until
from tests.support.operator import open_house


def test_a_closed_round_is_reported_with_a_picture(tmp_path):
    with open_house(tmp_path) as house:
        for post in house.post(3):
            for user in ("bob", "cid"):
                house.react(user, post, "pizza")
        house.do("command", user="ada", command="/tier round close", wait=5)

        def files():
            return [file for message in house.messages() for file in message.get("files") or ()]

        (file,) = wait_until(files, "the picture")
        assert file["title"] == "Round 1 in pictures"
        report = next(message for message in house.messages() if "Round 1 is over" in message["text"])
        assert f"🏆 <@{house.users['bob']}> is the champion with 3 articles judged" in str(report["blocks"])
        picture = next(message for message in house.messages() if message.get("files"))
        assert picture["ts"] > report["ts"]
        png = house.http.get(file["url_private"]).content
        assert png.startswith(b"\x89PNG")
        assert len(png) == file["size"]
