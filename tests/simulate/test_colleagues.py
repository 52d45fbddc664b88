"""The demo's colleagues at work in the real sandbox, over real sockets."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tierbot.domain.tags import default_tag_space
from tierbot.simulate.colleagues import Colleagues, ColleaguesError
from tierbot.simulate.messages import Truth
from tierbot.simulate.teams import perfect_team
from tierbot.simulate.trainers import SimulatedTrainer

TAGS = default_tag_space()
TRUTH = Truth((f"https://news.example/{tag}", f"About {tag}", (tag,)) for tag in TAGS.ids)


@dataclass(frozen=True)
class Box:
    """A running sandbox, and the bot's hands in it."""

    control: str
    api: str
    token: str
    channel: str

    def call(self, method: str, **body: Any) -> dict[str, Any]:
        """Call Slack's API as the bot."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer: dict[str, Any] = httpx.post(self.api + method, json=body, headers=headers, timeout=10).json()
        assert answer["ok"], answer
        return answer

    def look(self, name: str) -> dict[str, Any]:
        """Look at the workspace."""
        answer: dict[str, Any] = httpx.get(self.control + name, timeout=10).json()
        return answer

    def post(self, tag: str, shown: str | None, *prefilled: str, channel: str | None = None) -> str:
        """Ask about a story as the bot does; return the message's ts."""
        question = "*What is this about?*" if shown is None else f":{TAGS[shown].short_name}: *{TAGS[shown].name}?*"
        head = f"*<https://news.example/{tag}|About {tag}>*"
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": text}} for text in (head, question)]
        place = channel or self.channel
        ts = str(self.call("chat.postMessage", channel=place, text="News", blocks=blocks)["ts"])
        for name in prefilled:
            self.call("reactions.add", channel=self.channel, timestamp=ts, name=name)
        return ts


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    command = [sys.executable, "-m", "tierbot.sandbox", "--port", "0"]
    with (tmp_path / "errors").open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdout is not None
        try:
            said = json.loads(process.stdout.readline())
            yield Box(said["control_url"], said["api_url"], said["bot_token"], said["channel"])
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()


def wait_until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def votes(box: Box) -> set[tuple[str, str, str]]:
    """Every person's reaction that stands: (ts, user id, name)."""
    return {(ts, user, name) for _, ts, user, name in box.look("votes")["votes"]}


def test_perfect_colleagues_name_the_true_tag_of_each_post(box: Box) -> None:
    with Colleagues(box.control, perfect_team(3), TRUTH, TAGS, speed=600) as team:
        law = box.post("law", "food", "pizza")
        food = box.post("food", None)
        wait_until(lambda: len(team.clicks) == 6)
        people = [one.user_id for one in team._people]
    emoji = {law: TAGS["law"].short_name, food: TAGS["food"].short_name}
    assert votes(box) == {(ts, user, name) for ts, name in emoji.items() for user in people}
    assert not any(click.error for click in team.clicks)
    assert all(click.event_ts for click in team.clicks)


def test_the_report_equals_the_workspaces_own_record(box: Box) -> None:
    team = [SimulatedTrainer(f"T{i}", anchoring=0.3, slip=0.3, notices=0.8, unreact=0.4, skin_tone=3) for i in range(6)]
    with Colleagues(box.control, team, TRUTH, TAGS, seed=5, speed=3000) as colleagues:
        for i, tag in enumerate(TAGS.ids[:20]):
            shown = tag if i % 2 else "food"
            box.post(tag, shown, TAGS[shown].short_name)
        wait_until(lambda: len(colleagues.clicks) >= 120 and not colleagues.busy)
    record = [
        (act["user"], act["act"] == "react", act["details"]["ts"], act["details"]["name"], act["details"]["event_ts"])
        for act in box.look("record")["acts"]
        if act["act"] in {"react", "unreact"}
    ]
    told = [(c.user_id, c.added, c.ts, c.name, c.event_ts) for c in colleagues.clicks if c.error is None]
    assert told == record
    assert any(not click.added for click in colleagues.clicks)


def test_who_clicks_unread_waits_for_the_prefill_and_clicks_it(box: Box) -> None:
    lazy = SimulatedTrainer("Lazy", anchoring=1.0, delay_median=0.001)
    with Colleagues(box.control, [lazy], TRUTH, TAGS, speed=60) as team:
        ts = box.post("law", "food")
        box.call("reactions.add", channel=box.channel, timestamp=ts, name="pizza")
        wait_until(lambda: len(team.clicks) == 1)
    assert [(click.name, click.error) for click in team.clicks] == [("pizza", None)]


def test_posts_that_were_there_before_are_judged_once(box: Box) -> None:
    box.post("law", None)
    for _ in range(2):  # the second team is the same people
        with Colleagues(box.control, perfect_team(2), TRUTH, TAGS, speed=600) as team:
            wait_until(lambda team=team: not team.busy)  # type: ignore[misc]
    assert len(votes(box)) == 2
    assert team.clicks == []


def test_unknown_stories_private_ones_and_other_messages_are_passed_by(box: Box) -> None:
    with Colleagues(box.control, perfect_team(2), TRUTH, TAGS, speed=600) as team:
        box.call("chat.postMessage", channel=box.channel, text="Round 1 is over")
        private = box.call("conversations.open", users=team._people[0].user_id)["channel"]["id"]
        box.post("food", "food", channel=private)
        box.post("nobody-knows", "food", "pizza")
        box.post("law", None)
        wait_until(lambda: len(team.clicks) == 2)
        assert team.unknown == 1


def test_a_click_that_slack_refuses_is_reported_as_such(box: Box) -> None:
    with Colleagues(box.control, [SimulatedTrainer("Late")], TRUTH, TAGS, speed=60) as team:
        box.post("law", None)
        httpx.post(box.control + "archive", json={})
        wait_until(lambda: len(team.clicks) == 1)
    assert [(click.event_ts, click.error) for click in team.clicks] == [(None, "is_archived")]


def test_a_post_deleted_before_anyone_looked_gets_no_click(box: Box) -> None:
    with Colleagues(box.control, [SimulatedTrainer("Late")], TRUTH, TAGS, speed=60) as team:
        box.call("chat.delete", channel=box.channel, ts=box.post("law", None))
        box.post("food", None)
        wait_until(lambda: len(team.clicks) == 1 and not team.busy)
    assert [click.name for click in team.clicks] == [TAGS["food"].short_name]


def test_a_hundred_clicks_a_second_are_no_effort(box: Box) -> None:
    with Colleagues(box.control, perfect_team(20), TRUTH, TAGS, speed=1e6) as team:
        for tag in TAGS.ids[:15]:
            box.post(tag, None)
        begun = time.monotonic()
        wait_until(lambda: len(team.clicks) == 300, 10)
    assert time.monotonic() - begun < 3
    assert not any(click.error for click in team.clicks)


def test_nobody_there_is_said_in_one_sentence() -> None:
    with pytest.raises(ColleaguesError, match=r"no answer .* Is the sandbox running there\?"):
        Colleagues("http://127.0.0.1:9/control/", perfect_team(1), TRUTH, TAGS).start()


def test_impossible_teams_are_refused() -> None:
    with pytest.raises(ColleaguesError, match="Use a number above 0"):
        Colleagues("http://127.0.0.1:9/control/", perfect_team(1), TRUTH, TAGS, speed=0)
    with pytest.raises(ColleaguesError, match=r"Two trainers have the handle 'ada'"):
        Colleagues("http://127.0.0.1:9/control/", [SimulatedTrainer("Ada"), SimulatedTrainer("ada ")], TRUTH, TAGS)


def test_stopping_twice_is_fine(box: Box) -> None:
    team = Colleagues(box.control, perfect_team(1), TRUTH, TAGS)
    team.start()
    with pytest.raises(ColleaguesError, match="already been started"):
        team.start()
    team.stop()
    team.stop()
    assert not team.busy
