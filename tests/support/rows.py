"""Nouns for tests of the store, each with a sound default for everything."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tierbot.adapters.store.schema import MIGRATIONS
from tierbot.domain.nouns import (
    Arm,
    Article,
    ModelState,
    ModelVersion,
    Outcome,
    Post,
    Prediction,
    ReactionEvent,
    Round,
    Selection,
    Verdict,
)
from tierbot.use_cases.ports import Delivery, DeliveryKind, Installation, Transaction

NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TEAM = "T1"


def article(key: str = "a1", **changes: Any) -> Article:
    plain = Article(
        id=key,
        title=f"Title {key} 🍕",
        text="Two lines\nof text.",
        url=f"https://example.org/{key}",
        source="example.org",
        received_at=NOON,
        published_at=NOON - MINUTE,
        image_url=None,
    )
    return replace(plain, **changes)


def prediction(key: str = "d1", **changes: Any) -> Prediction:
    plain = Prediction(
        id=key,
        article_id="a1",
        model_version="m1",
        policy="explore",
        shown_tag="food",
        propensity=1 / 3,
        probabilities={"food": 0.1 + 0.2, "law": 0.7 - 1e-17},
        policy_probabilities={"food": 1 / 3, "law": 2 / 3},
        selection=Selection("random", 0.25),
        created_at=NOON,
        metadata={"timings": {"encode": 0.01}, "drawn": [1, 2]},
    )
    return replace(plain, **changes)


def post(key: str = "p1", **changes: Any) -> Post:
    plain = Post(
        id=key,
        prediction_id="d1",
        article_id="a1",
        round_number=1,
        arm=Arm.TIER,
        arm_probability=0.85,
        shown_tag="food",
        channel="C1",
        created_at=NOON,
    )
    return replace(plain, **changes)


def event(key: str = "e1", **changes: Any) -> ReactionEvent:
    plain = ReactionEvent(
        event_id=key,
        channel="C1",
        ts="100.000001",
        user="U1",
        name="pizza::skin-tone-2",
        added=True,
        happened_at=NOON,
        received_at=NOON + timedelta(microseconds=7),
    )
    return replace(plain, **changes)


def verdict(post_id: str = "p1", **changes: Any) -> Verdict:
    plain = Verdict(
        post_id=post_id,
        outcome=Outcome.NAMED,
        tags={"food": 1.0, "health": 0.5},
        reward=0.75,
        weight=0.8,
        voters=4,
        support={"food": 4, "health": 2},
        rejects=0,
        unsure=1,
        aggregator="plain-1",
        ledger_cursor=1,
        settled_at=NOON,
    )
    return replace(plain, **changes)


def round_(number: int = 1, **changes: Any) -> Round:
    return replace(Round(number, NOON, NOON + timedelta(days=7)), **changes)


def model(key: str = "m1", number: int = 1, **changes: Any) -> ModelVersion:
    plain = ModelVersion(
        id=key,
        number=number,
        parent=None,
        state=ModelState.CHALLENGER,
        encoder_digest="digest",
        sha256="0" * 64,
        created_at=NOON,
        card={"accuracy": 0.73},
    )
    return replace(plain, **changes)


def delivery(key: str = "o1", **changes: Any) -> Delivery:
    plain = Delivery(
        id=key,
        kind=DeliveryKind.ANNOUNCE,
        channel="C1",
        payload={"kind": "champion", "user": "U1"},
        created_at=NOON,
        due_at=NOON,
    )
    return replace(plain, **changes)


def put_post(tx: Transaction, key: str = "p1", *, ts: str | None = "100.000001", **changes: Any) -> Post:
    """Store an article, its prediction and a post named `key`; with a ts it stands in Slack."""
    tx.articles.add([article(f"a-{key}")])
    made = post(key, prediction_id=f"d-{key}", article_id=f"a-{key}", **changes)
    assert tx.posts.add(prediction(f"d-{key}", article_id=f"a-{key}"), made)
    if ts is not None:
        tx.posts.sent(key, ts, made.created_at)
    stored = tx.posts.get(key)
    assert stored is not None
    return stored


INSTALLED = Installation(TEAM, "Team", None, False, "UBOT", "BBOT", "sealed", ("chat:write", "commands"), "UADA", NOON)


VERSIONS = sorted(path.name for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
