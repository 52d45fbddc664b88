"""Nothing crosses between workspaces: the same ids in two of them, and every method tried from one."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from tests.support.rows import (
    INSTALLED,
    MINUTE,
    NOON,
    TEAM,
    delivery,
    event,
    model,
    post,
    prediction,
    put_post,
    round_,
    verdict,
)
from tierbot.adapters.store import SqlStore, StoreError
from tierbot.adapters.store.columns import Row, table
from tierbot.adapters.store.rows import PredictionRow
from tierbot.domain.articles.boundaries import Boundary, Held, HeldBack
from tierbot.domain.articles.feeds import Feed, FeedMemory, FeedResult, ListedBy
from tierbot.domain.nouns import Copy, ModelState, Says, Standing, Vote
from tierbot.domain.tags import default_tag_space
from tierbot.use_cases.ports import (
    ClosedChannel,
    DeliveryKind,
    Doubt,
    Job,
    PushDraw,
    SmokeTestResult,
    Transaction,
    Workspace,
)

OTHER = "T2"
CLOSED = ClosedChannel("C1", "is_archived", NOON, NOON)
VOTE = Vote("U1", Says.NAMES, NOON, "food")
FROZEN = replace(round_(), frozen_at=NOON)
REQUEST = replace(Job.request("push", "r1", NOON, "U1", count=2), finished_at=NOON)
VECTOR = np.ones(2, np.float32)
FEED = Feed("https://e.com/feed.xml")
DOUBT = Doubt("d1", "brigade", ("U1", "U2"), None, 6, 1.5, 8, 0.01, "named the same", ("p1",), NOON)
DRAW = PushDraw(NOON, 2.5, 0.4)
SMOKE = SmokeTestResult(NOON, None, "", 1.5)
HELD = HeldBack("a-p2", Held(Boundary.WORD, "coin"), "rules", NOON)


def fill(tx: Transaction, team: str) -> None:
    """Put something into every part."""
    tx.workspaces.put(Workspace(team, team, NOON))
    tx.workspaces.put_tags(default_tag_space())
    tx.workspaces.audit("U1", "pause", None, True, NOON)
    for key in ("p1", "p2"):
        put_post(tx, key, ts=f"{key}.0")
        tx.ledger.append(event(f"e-{key}", ts=f"{key}.0"))
        tx.ledger.replace_votes(key, [VOTE], 1)
    tx.articles.add_copies([Copy("c1", "a-p1", "copy.example")])
    tx.articles.add_embeddings("digest", {"a-p1": VECTOR})
    tx.feeds.add([FEED], ListedBy.PEOPLE)
    tx.held_back.add([HELD])
    tx.verdicts.add(verdict("p1"))
    tx.rounds.open(round_())
    tx.models.add(model(), b"weights")
    tx.outbox.add([delivery("o3"), delivery("o2"), delivery()])
    _, second = tx.outbox.claim(NOON, NOON + MINUTE, 2)  # o3 stays in hand
    tx.outbox.park(second, "gone")
    tx.channels.close(CLOSED)
    tx.agenda.plan("push", NOON)
    tx.agenda.ask(REQUEST)
    tx.agenda.claim("push", "run", NOON)
    tx.leases.take("scheduler", "me", NOON + MINUTE, NOON)
    tx.installations.put(replace(INSTALLED, id=team))
    tx.doubts.put([DOUBT])
    tx.workspaces.keep_pseudonym_key("ours")
    tx.workspaces.emoji_missing("pizza")
    tx.workspaces.forget_person("digest")
    tx.workspaces.add_draw(DRAW, 9)
    tx.workspaces.put_smoke_test(SMOKE)
    tx.installations.give_state("state", NOON + MINUTE, NOON)


def everything(store: SqlStore, team: str) -> dict[str, object]:
    """Return every row of a workspace, table by table."""
    with store._database.read() as connection:
        return {
            name: sorted(map(repr, connection.execute(select(rows).where(rows.c.workspace_id == team))))
            for name, rows in Row.metadata.tables.items()
        }


WRITES: list[Callable[[Transaction], object]] = [
    lambda tx: tx.articles.add_copies([Copy("c1", "a-p1", "x"), Copy("c2", "a-p1", "x")]),
    lambda tx: tx.articles.add_embeddings("new", {"a-p1": VECTOR}),
    lambda tx: tx.feeds.add([FEED], ListedBy.FILE),
    lambda tx: tx.feeds.rename(FEED.url, "Renamed"),
    lambda tx: tx.feeds.polled(FeedResult(FEED, (), FeedMemory('"v"')), NOON, 1),
    lambda tx: tx.feeds.remove([FEED.url]),
    lambda tx: tx.held_back.add([replace(HELD, grounds="others")]),
    lambda tx: tx.posts.sent("p1", "9.0", NOON),
    lambda tx: tx.ledger.append(event("e-p1")),
    lambda tx: tx.ledger.replace_votes("p1", [], 99),
    lambda tx: tx.ledger.tallied("C1", "p1.0", 99),
    lambda tx: tx.verdicts.add(verdict("p1", ledger_cursor=9)),
    lambda tx: tx.rounds.freeze(FROZEN, [Standing(1, "U1", 1, 1, 1, 1)]),
    lambda tx: tx.models.set_state("m1", ModelState.CHAMPION),
    lambda tx: tx.outbox.claim(NOON, NOON + MINUTE, 9),
    lambda tx: tx.outbox.done(delivery("o3"), None, NOON),
    lambda tx: tx.outbox.retry(delivery("o3"), NOON, "x"),
    lambda tx: tx.outbox.park(delivery("o3"), "x"),
    lambda tx: tx.outbox.hold(DeliveryKind.POST, NOON + MINUTE),
    lambda tx: tx.outbox.release(NOON),
    lambda tx: tx.outbox.again(["o2"], NOON + MINUTE),
    lambda tx: tx.outbox.redirect("C1", "C9"),
    lambda tx: tx.channels.close(replace(CLOSED, why="theirs")),
    lambda tx: tx.channels.open("C1"),
    lambda tx: tx.channels.change_id("C1", "C9", 9),
    lambda tx: tx.outbox.drop(["o2"], NOON + MINUTE),
    lambda tx: tx.agenda.plan("push", NOON + MINUTE),
    lambda tx: tx.agenda.ask(REQUEST),
    lambda tx: tx.agenda.claim("push", "thief", NOON),
    lambda tx: tx.agenda.put(replace(REQUEST, attempts=7)),
    lambda tx: tx.agenda.left("push", {"count": 3}),
    lambda tx: tx.agenda.remove("push"),
    lambda tx: tx.agenda.clear(NOON + MINUTE),
    lambda tx: tx.leases.take("scheduler", "thief", NOON + MINUTE, NOON),
    lambda tx: tx.leases.end("scheduler", NOON),
    lambda tx: tx.leases.clear("sched", NOON + MINUTE),
    lambda tx: tx.installations.end("app_uninstalled", NOON),
    lambda tx: tx.installations.take_state("state", NOON),
    lambda tx: tx.installations.give_state("state", NOON, NOON + 2 * MINUTE),
    lambda tx: tx.doubts.put([replace(DOUBT, evidence="theirs")]),
    lambda tx: tx.doubts.remove([DOUBT.id]),
    lambda tx: tx.workspaces.emoji_missing("taco"),
    lambda tx: tx.workspaces.forget_person("another"),
    lambda tx: tx.workspaces.add_draw(DRAW, 1),
    lambda tx: tx.workspaces.put_smoke_test(replace(SMOKE, says="theirs")),
    lambda tx: tx.people.expire_posts(["p1", "p2"], NOON + MINUTE, NOON),
    lambda tx: tx.people.expire_other_reactions(NOON + MINUTE, 9),
    lambda tx: tx.people.expire_reactors(NOON + MINUTE, 9),
    lambda tx: tx.people.expire_messages(NOON + MINUTE, 9),
    lambda tx: tx.people.expire_actions(NOON + MINUTE, 9),
    lambda tx: tx.people.expire_requests(NOON + MINUTE, 9),
    lambda tx: tx.installations.put(replace(INSTALLED, id=OTHER, sealed_token="theirs")),
    lambda tx: tx.workspaces.put(Workspace(OTHER, "renamed", NOON)),
    lambda tx: tx.workspaces.put_tags(default_tag_space().updated([], NOON)),
    lambda tx: tx.workspaces.audit("U9", "resume", None, None, NOON),
]


@pytest.mark.parametrize("filled", [False, True], ids=["empty", "same ids"])
def test_no_write_reaches_another_workspace(store: SqlStore, filled: bool) -> None:
    with store.begin(TEAM) as tx:
        fill(tx, TEAM)
    if filled:
        with store.begin(OTHER) as tx:
            fill(tx, OTHER)
    before = everything(store, TEAM)
    for write in WRITES:
        try:
            with store.begin(OTHER) as tx:
                write(tx)
        except StoreError:
            assert not filled  # refused, since what it names is another's
    assert everything(store, TEAM) == before


def test_no_read_sees_another_workspace(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        fill(tx, TEAM)
    with store.read(OTHER) as tx:
        seen = [
            tx.articles.get(["a-p1"]),
            tx.articles.sources(["a-p1"]),
            tx.articles.known_copies(["c1"]),
            tx.articles.waiting(9, ["others"]),
            tx.feeds.all(),
            tx.held_back.counts(9),
            tx.articles.recent(NOON - MINUTE, 9),
            tx.articles.waiting(9),
            tx.articles.without_embedding("new", 9),
            tx.articles.embeddings("digest", ["a-p1"]),
            tx.articles.embedded("digest", ["a-p1"]),
            tx.articles.count(),
            tx.posts.get("p1"),
            tx.posts.at("C1", "p1.0"),
            tx.posts.prediction("d-p1"),
            tx.posts.in_round(1),
            tx.posts.open(NOON - MINUTE),
            tx.posts.unsettled(),
            tx.ledger.events("C1", "p1.0"),
            tx.ledger.cursor("C1", "p1.0"),
            tx.ledger.untallied(9),
            tx.ledger.cursors(["p1"]),
            tx.ledger.votes(["p1"])["p1"],
            tx.ledger.votes_in_round(1),
            tx.ledger.votes_by("U1", NOON - MINUTE),
            tx.verdicts.latest(["p1"]),
            tx.verdicts.labeled(),
            tx.verdicts.settled(),
            tx.verdicts.count_since(NOON - MINUTE),
            tx.rounds.current(),
            tx.rounds.get(1),
            tx.rounds.all(),
            tx.rounds.standings(1),
            tx.rounds.all_time(),
            tx.models.champion(),
            tx.models.get("m1"),
            tx.models.all(),
            tx.outbox.parked(),
            tx.outbox.unsent(),
            tx.outbox.waiting_by_channel(),
            tx.channels.closed(),
            sum(tx.outbox.counts().values()),
            tx.agenda.get("push"),
            tx.agenda.holds("push", "run"),
            tx.agenda.all(),
            tx.installations.get(),
            tx.doubts.all(),
            tx.workspaces.pseudonym_key(),
            tx.workspaces.forgotten(),
            tx.workspaces.draws(),
            tx.workspaces.smoke_test(),
            tx.workspaces.get(),
            list(tx.workspaces.tags()),
            tx.workspaces.audit_trail(9),
        ]
        with pytest.raises(StoreError):
            tx.models.weights("m1")
    assert not any(seen)


def test_every_statement_names_the_workspace(store: SqlStore) -> None:
    statements: list[str] = []
    with store.begin(TEAM) as tx:
        sql_event.listen(store._database.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
        fill(tx, TEAM)
        for write in WRITES[:-4]:  # the others say whose they are, and are refused
            write(tx)
    assert len(statements) > 50
    assert [one for one in statements if "workspace_id" not in one and not one.startswith("PRAGMA")] == []


def test_the_database_itself_refuses_a_reference_into_another_workspace(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        put_post(tx)
    with pytest.raises(StoreError, match="contradicts"), store.begin(OTHER) as tx:
        tx.posts.add(prediction(article_id="a-p1"), post(article_id="a-p1"))
    values = dict.fromkeys(("model_version", "policy", "shown_tag", "top_tag", "selection_strategy"), "")
    values |= {"workspace_id": OTHER, "id": "x", "article_id": "a-p1"}
    numbers = {"propensity": 1.0, "selection_probability": 1.0, "created_at": NOON}
    documents = {name: {"food": 1.0} for name in ("probabilities", "policy_probabilities", "prediction_metadata")}
    with (
        pytest.raises(IntegrityError),
        store._database.engine.connect() as connection,
        connection.begin(),
    ):
        connection.execute(insert(table(PredictionRow)).values({**values, **numbers, **documents}))
