"""`tierbot feeds` and `tierbot boundaries` on a database, without a bot running."""

import json
from pathlib import Path

import pytest

from tests.support.invoke import run, said
from tests.support.rows import event
from tierbot.adapters.store import SqlStore, open_store
from tierbot.app.bot import SystemClock
from tierbot.domain.articles.boundaries import Boundary, Held, HeldBack
from tierbot.domain.articles.feeds import Feed, FeedMemory, FeedResult, starter_feeds
from tierbot.domain.nouns import Article
from tierbot.use_cases.ports import Workspace

TEAM = "T1"
NEWS, BLOG = "https://e.com/news.xml", "https://e.com/blog.xml"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/cli.db"
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    monkeypatch.setenv("DATABASE_URL", url)
    made = open_store(url)
    with made.begin(TEAM) as tx:
        tx.workspaces.put(Workspace(TEAM, "Test", SystemClock().now()))
    yield made
    made.close()


def rows(*arguments: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in said(*arguments, "--json").splitlines()]


def test_feeds_are_added_listed_and_removed_and_the_bot_is_told_to_read_them(store: SqlStore) -> None:
    assert "Added: 2." in said("feeds", "add", NEWS, BLOG)
    assert "Added: 0. Already on the list: 1." in said("feeds", "add", NEWS + "?utm_source=x")
    assert {row["url"]: (row["polled_at"], row["listed_by"]) for row in rows("feeds", "list")} == {
        NEWS: (None, "people"),
        BLOG: (None, "people"),
    }
    with store.read(TEAM) as tx:
        due = tx.agenda.get("poll")
    assert due is not None
    assert due.due_at <= SystemClock().now()
    assert f"Removed {NEWS}." in said("feeds", "remove", NEWS)
    assert [row["url"] for row in rows("feeds", "list")] == [BLOG]
    assert "is not on the list" in str(run("feeds", "remove", NEWS).exception)


def test_the_list_leaves_as_opml_and_comes_back(store: SqlStore, tmp_path: Path) -> None:
    said("feeds", "add", NEWS, "--name", "The News")
    said("feeds", "add", BLOG)
    file = tmp_path / "subs.opml"
    assert run("feeds", "export", str(file)).output == f"2 feeds written to {file}.\n"
    printed, written = (
        text.partition("</opml>")[0].splitlines() for text in (said("feeds", "export"), file.read_text())
    )
    assert len(written) > 5
    assert printed[5:] == written[5:], "apart from the date"
    said("feeds", "remove", NEWS)
    assert "Added: 1. Already on the list: 1." in said("feeds", "add", str(file))
    assert {row["url"]: row["name"] for row in rows("feeds", "list")} == {NEWS: "The News", BLOG: ""}


def test_a_password_in_an_address_goes_to_the_file_and_nowhere_else(store: SqlStore, tmp_path: Path) -> None:
    address = "https://ann:hunter2@e.com/news.xml"
    shown = [
        said("feeds", "add", address),
        said("feeds", "list"),
        said("feeds", "list", "--json"),
        said("feeds", "export"),
    ]
    shown += [said("feeds", "remove", address), str(run("feeds", "remove", address).exception)]
    assert "Removed https://…@e.com/news.xml." in shown[4]
    assert "hunter2" not in "".join(shown)
    assert (tmp_path / "feeds.netrc").read_text() == 'machine e.com login "ann" password "hunter2"\n'
    assert b"hunter2" not in b"".join(path.read_bytes() for path in tmp_path.glob("cli.db*"))


def test_without_a_file_for_passwords_none_is_taken(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBOT_FEEDS_NETRC", "")
    assert "TIERBOT_FEEDS_NETRC is empty" in str(run("feeds", "add", "https://ann:hunter2@e.com/x").exception)
    assert rows("feeds", "list") == []


@pytest.mark.parametrize("host", ["127.0.0.1", "192.168.1.7", "[::1]", "localhost", "[::ffff:10.0.0.1]"])
def test_a_private_address_is_refused_as_the_reader_refuses_it(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    assert "is a private address" in str(run("feeds", "add", NEWS, f"http://{host}:8000/feed.xml").exception)
    assert rows("feeds", "list") == []
    if host != "192.168.1.7" and "10.0" not in host:
        monkeypatch.setenv("TIERBOT_FEEDS_ALLOW_LOCAL", "true")
        assert "Added: 1." in said("feeds", "add", f"http://{host}:8000/feed.xml")


def test_a_broken_feed_is_listed_with_what_to_do_and_its_words_are_shown_as_they_are(store: SqlStore) -> None:
    said("feeds", "add", NEWS, "--name", "[red]News[/red]")
    problem = f"{NEWS}: is a web page, not a feed. Its feed may be [x]; list that instead."
    with store.begin(TEAM) as tx:
        tx.feeds.polled(FeedResult(Feed(NEWS), (), FeedMemory(failures=1), problem=problem), SystemClock().now(), 0)
    listed = said("feeds", "list")
    assert "broken: is a web page, not a feed. Its feed may be [x]; list that instead." in listed
    assert "[red]News[/red]" in listed
    assert "read 0 min ago" in listed
    assert "1 feed, 1 broken." in listed
    assert rows("feeds", "list")[0]["problem"] == problem


def test_the_starter_list_is_added_whole_and_an_empty_list_says_how_to_fill_it(store: SqlStore) -> None:
    assert "tierbot feeds starter" in said("feeds", "list")
    assert f"Added: {len(starter_feeds())}." in said("feeds", "starter")
    assert {row["url"] for row in rows("feeds", "list")} == {feed.url for feed in starter_feeds()}
    assert rows("feeds", "starter") == [{"added": 0, "known": len(starter_feeds())}]


def test_what_changes_the_list_says_so_in_json(store: SqlStore) -> None:
    assert rows("feeds", "add", NEWS, BLOG) == [{"added": 2, "known": 0}]
    assert rows("feeds", "remove", "https://ann:hunter2@e.com/news.xml") == [{"removed": "https://…@e.com/news.xml"}]


def test_what_is_no_address_is_refused_and_nothing_is_added(store: SqlStore) -> None:
    assert "'ftp://e.com/x' isn't an http(s) URL" in str(run("feeds", "add", NEWS, "ftp://e.com/x").exception)
    assert rows("feeds", "list") == []


def test_embed_and_forget_answer_in_json(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add([Article(f"a{n}", f"Coins {n}", "", "", "News", SystemClock().now()) for n in range(2)])
        tx.ledger.append(event("Ev1"))
    assert rows("embed") == [{"embedded": 2}]
    assert rows("forget", "U1", "--remove") == [{"user": "U1", "how": "removed", "rows": 1}]


def test_what_boundaries_held_back_is_counted_with_examples(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No boundaries are set" in said("boundaries")
    (tmp_path / "rules.toml").write_text('sources = ["Tabloid"]\n')
    monkeypatch.setenv("TIERBOT_BOUNDARIES", str(tmp_path / "rules.toml"))
    assert "rules.toml has held nothing back yet" in said("boundaries")
    now, rule = SystemClock().now(), Held(Boundary.WORD, "coin[s]*")
    with store.begin(TEAM) as tx:
        tx.articles.add([Article(f"a{n}", f"Coins [b]and[/b] more, part {n}", "", "", "News", now) for n in range(4)])
        tx.held_back.add([HeldBack(f"a{n}", rule, "g", now) for n in range(4)])
    told = said("boundaries")
    assert "word: coin[s]*" in told
    assert "Coins [b]and[/b] more, part 1" in told
    (row,) = rows("boundaries")
    assert (row["boundary"], row["rule"], row["count"], len(row["latest"])) == ("word", "coin[s]*", 4, 3)


def test_a_file_of_boundaries_is_checked(store: SqlStore, tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('sources = ["x.example"]\nwords = ["a", "b"]\n[minimum_confidence]\nfood = 0.5\n')
    assert "1 sources, 2 words, 0 tags, 1 minimum confidences, 0 wanted, 0 feeds, all fine" in said(
        "boundaries", "check", str(path)
    )
    assert rows("boundaries", "check", str(path))[0] == {
        "sources": 1,
        "words": 2,
        "tags": 0,
        "minimum_confidences": 1,
        "wanted": 0,
        "feeds": 0,
    }
    path.write_text('\ntags = ["footbal"]\n')
    fault = str(run("boundaries", "check", str(path)).exception)
    assert "rules.toml:2: unknown tag 'footbal'. Did you mean football?" in fault


def test_a_list_with_a_bad_line_adds_nothing_and_says_so(store: SqlStore, tmp_path: Path) -> None:
    del store
    file = tmp_path / "feeds.txt"
    file.write_text(f"{NEWS}\nnot-an-address\n")
    assert str(run("feeds", "add", str(file), BLOG).exception).endswith(
        f"{file}:2: 'not-an-address' isn't an http(s) URL. Write a full URL, such as https://example.com/feed.xml. "
        "Nothing was added."
    )
    assert str(run("feeds", "add", BLOG, "nonsense").exception).endswith("Nothing was added.")
    assert rows("feeds", "list") == []


def test_the_list_says_when_a_broken_feed_is_tried_again(store: SqlStore) -> None:
    said("feeds", "add", NEWS)
    now = SystemClock().now()
    with store.begin(TEAM) as tx:
        tx.feeds.polled(FeedResult(Feed(NEWS), (), FeedMemory().failed(now), problem=f"{NEWS}: is broken."), now, 0)
    assert "broken: is broken. Next try in 15 min." in said("feeds", "list")
