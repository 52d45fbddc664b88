"""A year of use ends in a database of a size: what is pruned can be made again, and nothing that counts is missed."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import WORKSPACE, Harness, build_harness
from tests.use_cases.articles.test_intake import GOOD, Papers
from tierbot.domain.feedback import PlainRule
from tierbot.domain.feedback.votes import votes_of
from tierbot.domain.nouns import Verdict, key
from tierbot.reports.dataset import Only, Pseudonyms
from tierbot.reports.export import FORMATS
from tierbot.reports.export.writing import write_dataset
from tierbot.use_cases.jobs import pruning


def rows(harness: Harness, name: str) -> list[dict[str, Any]]:
    """Return a table's rows."""
    with harness.bot.store.read(WORKSPACE) as tx:
        names = [column.name for column in tx.table_pages.columns(name)]
        return [dict(zip(names, row, strict=True)) for row in tx.table_pages.page(name, None, 10_000).rows]


def play(harness: Harness) -> None:
    """Let three people react to five posts, changing their minds, with a verdict after each reaction."""
    for place, ts in enumerate(harness.posts(5)):
        for user, name in (("UA", "pizza"), ("UB", "pizza"), ("UC", "football"), ("UA", "-1")):
            harness.react(user, ts, name)
            harness.settle()
        if place % 2:
            harness.react("UA", ts, "pizza", added=False)
            harness.settle()


def needed(harness: Harness, folder: Path) -> dict[str, Any]:
    """Return what a reader gets: the dataset, standings, accuracy, the audit trail, votes and the ledger."""
    with harness.bot.store.read(WORKSPACE) as tx:
        path = folder / "set.jsonl"
        write_dataset(
            tx, FORMATS["jsonl"], path, only=Only(), name=Pseudonyms(bytes(32)),
            encoder_digest=harness.bot.encoder.digest, dimension=harness.bot.encoder.dimension,
        )  # fmt: skip
        return {
            "set": path.read_bytes(),
            "settled": tx.verdicts.settled(),
            "audit": tx.workspaces.audit_trail(999),
            "standings": [tx.rounds.standings(one.number) for one in tx.rounds.all()],
            **{name: rows(harness, name) for name in ("posts", "predictions", "events", "votes", "scores", "models")},
        }


def test_nothing_that_a_reader_gets_changes_and_the_rest_is_gone(tmp_path: Path) -> None:
    harness = build_harness(tmp_path)
    play(harness)
    harness.bot.loop.close_round(WORKSPACE)
    harness.deliver()
    before, verdicts = needed(harness, tmp_path), rows(harness, "verdicts")
    harness.clock.advance(days=29)
    harness.do("prune")
    assert rows(harness, "verdicts") == verdicts
    harness.clock.advance(days=2)
    harness.do("prune")
    assert needed(harness, tmp_path) == before
    assert len(rows(harness, "verdicts")) == 5 < len(verdicts)
    with harness.bot.store.read(WORKSPACE) as tx:
        assert sum(tx.outbox.counts().values()) == 0
        assert tx.agenda.get("prune").due_at == harness.clock.now() + timedelta(days=1)
    harness.bot.close()


def test_a_pruned_verdict_can_be_made_again_from_the_ledger(tmp_path: Path) -> None:
    harness = build_harness(tmp_path)
    play(harness)
    before = rows(harness, "verdicts")
    harness.clock.advance(days=31)
    harness.do("prune")
    with harness.bot.store.read(WORKSPACE) as tx:
        tags = tx.workspaces.tags()
        numbered = [(row["seq"], row["event_id"]) for row in rows(harness, "events")]
        for row in before:
            post = tx.posts.get(row["post_id"])
            known = {name for seq, name in numbered if seq <= row["ledger_cursor"]}
            events = [one for one in tx.ledger.events(post.channel, post.ts) if one.event_id in known]
            at = (
                row["settled_at"]
                if isinstance(row["settled_at"], datetime)
                else datetime.fromisoformat(row["settled_at"])
            )
            again = PlainRule().settle(post, votes_of(events, post, tags), ledger_cursor=row["ledger_cursor"], now=at)
            assert {name: getattr(again, name) for name in Verdict.__slots__} == {
                name: row[name] for name in Verdict.__slots__
            }
    harness.bot.close()


def test_what_a_feed_still_lists_is_neither_deleted_nor_taken_in_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers = Papers({GOOD.url: [f"Story number {key(str(number))}" for number in range(6)]})
    monkeypatch.setattr("tierbot.app.bootstrap.feed_reader", lambda _: papers)
    harness = build_harness(tmp_path)
    harness.bot.intake.add_feeds(WORKSPACE, [GOOD])
    assert harness.bot.intake.poll(WORKSPACE).new == 6
    harness.clock.advance(days=40)
    papers.titles[GOOD.url] = papers.titles[GOOD.url][2:]
    harness.bot.intake.poll(WORKSPACE)
    harness.do("prune")
    assert len(rows(harness, "articles")) == 4
    assert harness.bot.intake.poll(WORKSPACE).new == 0
    harness.bot.close()


def test_a_long_deletion_is_made_of_short_transactions(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "AT_ONCE", 2)
    play(harness)
    verdicts = rows(harness, "verdicts")
    harness.clock.advance(days=31)
    opened, begin = [], harness.bot.store.begin
    monkeypatch.setattr(harness.bot.store, "begin", lambda workspace: opened.append(workspace) or begin(workspace))
    harness.do("prune")
    assert len(opened) > (len(verdicts) - 5) / 2
    assert len(rows(harness, "verdicts")) == 5
