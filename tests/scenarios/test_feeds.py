"""Feeds as operators use them: a server's stories become posts, a broken feed beside them stops nothing."""

import json
from collections.abc import Iterator

import pytest

from tests.adapters.feeds.conftest import FeedServer, rss, serving
from tests.scenarios.conftest import World, wait_until


@pytest.fixture
def feed_server() -> Iterator[FeedServer]:
    with serving() as made:
        yield made


def item(title: str, name: str, text: str = "Some words about it.") -> str:
    link = f"https://n.example/{name}"
    return f"<title>{title}</title><link>{link}</link><description>{text}</description>"


def listed(world: World) -> dict[str, dict[str, object]]:
    """Return what `tierbot feeds list --json` says, by address."""
    done = world.run("feeds", "list", "--json")
    assert done.returncode == 0, done.stderr
    return {row["url"]: row for row in map(json.loads, done.stdout.splitlines())}


def polled(world: World) -> set[str]:
    """Return the addresses of the feeds that were read."""
    store = world.store()
    try:
        (workspace,) = store.workspace_ids()
        with store.read(workspace) as tx:
            return {one.feed.url for one in tx.feeds.all() if one.polled_at}
    finally:
        store.close()


STORIES = [
    item("The harbour gets a new bridge after forty years of plans", "bridge"),
    item("&lt;script&gt;alert(1)&lt;/script&gt;A pizza oven on the moon &amp; what it bakes", "oven"),
    item("Lottery winners meet again", "lottery"),
    item("The quarterback throws four touchdowns in the rain", "touchdowns"),
]


def test_a_feeds_stories_become_posts_beside_a_broken_feed_and_within_boundaries(
    world: World, feed_server: FeedServer
) -> None:
    good = feed_server.serve("/news.xml", rss(*STORIES, title="Harbour News"))
    broken = feed_server.serve("/page", "<!doctype html><html><body>Our news</body></html>", kind="text/html")
    rules = world.folder / "boundaries.toml"
    rules.write_text('words = ["lotter*"]\n')
    feeds = world.folder / "feeds.txt"
    feeds.write_text(f"{broken}\n")
    world.environment |= {
        "TIERBOT_FEEDS": str(feeds),
        "TIERBOT_FEEDS_ALLOW_LOCAL": "true",
        "TIERBOT_FEEDS_CONTACT": "ops@example.com",
        "TIERBOT_BOUNDARIES": str(rules),
    }
    world.start()
    added = world.run("feeds", "add", good)
    assert added.returncode == 0, added.stderr
    wait_until(lambda: polled(world) == {good, broken}, "both feeds to be read")
    told = listed(world)
    assert told[good]["brought"] == 4
    assert "is a web page, not a feed" in str(told[broken]["problem"])
    assert "is a web page, not a feed" in world.log()
    assert "ops@example.com" in feed_server.asked[0][1]["User-Agent"]
    assert "I'm posting 3" in str(world.sandbox.command("/tier push 3"))
    wait_until(lambda: len(world.posts()) == 3, "three posts")
    shown = str([message for message in world.messages() if message["ts"] in world.posts()])
    assert "Harbour News" in shown
    assert "https://n.example/bridge" in shown
    assert "<script" not in shown
    assert "ottery" not in shown
    (rule,) = [json.loads(line) for line in world.run("boundaries", "--json").stdout.splitlines()]
    assert rule == {"boundary": "word", "rule": "lotter*", "count": 1, "latest": ["Lottery winners meet again"]}


def test_a_hostile_feed_is_ended_named_and_told_once_while_the_others_come_in(
    any_world: World, feed_server: FeedServer
) -> None:
    world = any_world
    attributes = "".join(f" a{number}='b'" for number in range(400_000))
    hostile = feed_server.serve("/hostile.xml", f"<rss version='2.0'><channel><item{attributes}/></channel></rss>")
    good = [feed_server.serve(f"/news{number}.xml", rss(story)) for number, story in enumerate(STORIES)]
    feeds = world.folder / "feeds.txt"
    feeds.write_text("\n".join([hostile, *good]))
    world.environment |= {
        "TIERBOT_FEEDS": str(feeds),
        "TIERBOT_FEEDS_ALLOW_LOCAL": "true",
        "TIERBOT_FEEDS_PROCESSOR_SECONDS": "1",
    }
    world.start()
    wait_until(lambda: polled(world) == {hostile, *good}, "all feeds to be read")
    known = listed(world)
    assert [known[url]["brought"] for url in good] == [1] * len(good)
    assert known[hostile]["problem"] == (
        f"{hostile}: takes more than 1 s of processor time to read. Remove it, or tell its publisher."
    )
    assert known[hostile]["failures"] == 1
    assert f"Feed {known[hostile]['problem']} tierbot will retry in 15 minutes." in world.log()

    def told() -> list[str]:
        inboxes = world.client.get("inbox", params={"user": "ada"}).json()["direct"]
        texts = [str(message["blocks"]) for direct in inboxes for message in direct["messages"]]
        return [text for text in texts if "too much processor time or memory" in text]

    (message,) = wait_until(told, "the admins to be told")
    assert hostile in message


def test_a_feed_is_tried_out_without_a_bot_and_a_private_address_is_refused(
    world: World, feed_server: FeedServer
) -> None:
    good = feed_server.serve("/news.xml", rss(*STORIES, title="Harbour News"))
    refused = world.run("feeds", "test", good)
    assert refused.returncode == 1
    assert "private address" in refused.stderr
    world.environment["TIERBOT_FEEDS_ALLOW_LOCAL"] = "true"
    tried = world.run("feeds", "test", good)
    assert tried.returncode == 0, tried.stderr
    assert "4 articles" in tried.stdout
    assert "The harbour gets a new bridge" in tried.stdout
    told = json.loads(world.run("feeds", "test", good, "--json").stdout)
    assert (told["problem"], len(told["articles"]), told["articles"][0]["source"]) == (None, 4, "Harbour News")
    missing = world.run("feeds", "test", feed_server.url + "/missing", "--json")
    assert missing.returncode == 1
    assert "HTTP 404" in json.loads(missing.stdout)["problem"]
