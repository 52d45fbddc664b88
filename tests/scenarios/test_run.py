"""`tierbot run` as operators run it: it starts, posts, listens, stops in order, and survives being killed."""

import signal
import time

import pytest

from tests.scenarios.conftest import World, wait_until
from tests.support.processes import verdicts
from tierbot.domain.nouns import Outcome


def test_articles_become_posts_reactions_become_verdicts_and_sigterm_ends_it_in_order(world: World) -> None:
    bot = world.start()
    world.add_articles(6)
    answer = world.sandbox.command("/tier push 4")
    assert "I'm posting 4 of 6 waiting stories" in str(answer)
    posts = wait_until(lambda: len(world.posts()) == 4 and world.posts(), "four posts")
    strangers = world.strangers_react(posts[0], "soccer")
    for user in ("bob", "cleo"):
        assert world.act("react", user, posts[0], "pizza")["ok"]
    wait_until(lambda: verdicts(world).get(posts[0]) == {"food": 2}, "the verdict")
    assert world.act("unreact", "cleo", posts[0], "pizza")["ok"]
    wait_until(lambda: verdicts(world).get(posts[0]) == {"food": 1}, "the verdict without cleo")
    board = str(world.sandbox.command("/leaderboard", user="bob"))
    assert "bob" in board
    assert not any(one in board for one in strangers)
    assert "1" in str(world.sandbox.command("/myscore", user="bob"))
    began = time.monotonic()
    bot.send_signal(signal.SIGTERM)
    assert bot.wait(15) == 0, world.log()
    assert time.monotonic() - began < 10


def test_killed_in_mid_work_nothing_is_lost_and_nothing_is_sent_twice(world: World) -> None:
    bot = world.start()
    world.add_articles(40)
    world.sandbox.command("/tier push 40")
    wait_until(lambda: len(world.posts()) >= 5, "the first posts")
    bot.kill()
    bot.wait()
    first = world.posts()[0]
    for user in ("bob", "cleo"):
        assert world.act("react", user, first, "football")["ok"], "reactions while nobody listens"
    world.start()
    wait_until(lambda: len(world.posts()) == 40, "all posts")
    assert len(world.marks()) == len(set(world.marks()))
    wait_until(lambda: verdicts(world).get(first) == {"football": 2}, "what was missed is reconciled")


def test_a_stranger_is_refused_kindly_and_an_unknown_command_lists_what_there_is(world: World) -> None:
    world.start()
    assert "admins" in str(world.sandbox.command("/tier push 4", user="bob"))
    assert world.posts() == []
    help_text = str(world.sandbox.command("/tier dance"))
    for word in ("push", "retrain", "round status", "pause", "models", "rollback"):
        assert word in help_text


def test_two_bots_on_one_database_send_each_post_once_and_count_each_vote_once(world: World) -> None:
    world.start()
    world.start()
    world.add_articles(20)
    world.sandbox.command("/tier push 20")
    posts = wait_until(lambda: len(world.posts()) == 20 and world.posts(), "all posts")
    for ts in posts:
        for user in ("bob", "cleo"):
            world.act("react", user, ts, "pizza")
    wait_until(lambda: verdicts(world) == {ts: {"food": 2} for ts in posts}, "all verdicts")
    assert len(world.marks()) == len(set(world.marks())) == 20
    store = world.store()
    (workspace,) = store.workspace_ids()
    with store.read(workspace) as tx:
        assert all(item.verdict.outcome is Outcome.NAMED for item in tx.verdicts.settled())
        assert len(tx.rounds.all()) == 1
    store.close()


@pytest.mark.parametrize(
    ("setting", "value", "names"),
    [
        ("TIERBOT_CHANNEL", "C0NOWHERE", ("TIERBOT_CHANNEL is C0NOWHERE", "Check the id", "/invite @")),
        ("TIERBOT_CHANNEL", "#trending", ("TIERBOT_CHANNEL is '#trending'", "such as C0123456789")),
        (
            "SLACK_APP_TOKEN",
            "xapp-1-A0-0-dead",
            ("invalid_auth", "SLACK_APP_TOKEN", "Generate one at Basic Information"),
        ),
        (
            "SLACK_APP_TOKEN",
            "xoxb-1-2",
            ("SLACK_APP_TOKEN: That's a bot token", "Basic Information → App-Level Tokens"),
        ),
        ("SLACK_BOT_TOKEN", "xoxb-1-2-dead", ("invalid_auth", "Check SLACK_BOT_TOKEN")),
        ("SLACK_BOT_TOKEN", "xapp-1-2", ("SLACK_BOT_TOKEN: That's an app-level token", "Bot User OAuth Token")),
        ("SLACK_BOT_TOKEN", "", ("SLACK_BOT_TOKEN is not set. Run `tierbot init`",)),
    ],
)
def test_a_wrong_setting_is_named_with_the_next_step(
    world: World, setting: str, value: str, names: tuple[str, ...]
) -> None:
    world.environment[setting] = value
    ended = world.run("run")
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    for said in names:
        assert said in ended.stderr
    others = {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "TIERBOT_CHANNEL"} - {setting}
    assert not [name for name in others if name in ended.stderr], ended.stderr


def test_without_any_settings_all_that_is_missing_is_named_and_nothing_is_made(world: World) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "TIERBOT_CHANNEL"):
        del world.environment[name]
    ended = world.run("run")
    assert ended.returncode == 1
    assert ended.stderr == (
        "tierbot: SLACK_BOT_TOKEN, SLACK_APP_TOKEN and TIERBOT_CHANNEL are not set. Run `tierbot init`, which asks for what is "
        "needed and writes it to .env, or set it in the environment.\n"
    )
    assert not (world.folder / "bot.db").exists()


def test_a_bot_that_was_removed_from_its_private_channel_starts_and_waits(world: World) -> None:
    bot = world.start()
    world.add_articles(2)
    world.sandbox.command("/tier push 1")
    wait_until(lambda: len(world.posts()) == 1, "the first post")
    bot.send_signal(signal.SIGTERM)
    assert bot.wait(15) == 0
    world.client.post("private", json={})
    world.client.post("leave", json={"user": "tierbot"})
    world.start()
    assert "TIERBOT_CHANNEL is" not in world.log()
