"""Columns and tables for what the workspace kept in one JSON column; the order of standings; which verdicts are final."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_MOMENT = sa.DateTime(timezone=True)
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WORKSPACE = sa.table(
    "workspace",
    sa.column("workspace_id", sa.Text()),
    sa.column("settings", sa.JSON()),
    *(sa.column(name, sa.Text()) for name in ("bot_user", "channel", "pseudonym_key")),
    sa.column("paused", sa.Boolean()),
)
_STANDING = sa.table(
    "standing",
    sa.column("workspace_id", sa.Text()),
    sa.column("user_id", sa.Text()),
    *(sa.column(name, sa.Integer()) for name in ("round_number", "rank", "agreed", "settled", "place")),
)


def upgrade() -> None:
    """Make the tables and columns, and carry over what existing rows hold."""
    tables = _make_tables()
    for column in (
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("bot_user", "channel", "pseudonym_key")),
        sa.Column("paused", sa.Boolean(), nullable=True),
    ):
        op.add_column("workspace", column)
    _carry_settings(tables)
    with op.batch_alter_table("workspace") as batch:
        batch.alter_column("channel", existing_type=sa.Text(), nullable=False)
        batch.alter_column("paused", existing_type=sa.Boolean(), nullable=False)
        batch.drop_column("settings")
    op.add_column("outbox", sa.Column("priority", sa.Integer(), nullable=True))
    op.add_column("outbox", sa.Column("after_id", sa.Text(), nullable=True))
    _place_standings()
    op.add_column("post", sa.Column("votes_expired_at", _MOMENT, nullable=True))
    op.execute(_FINAL)


def _text(*names: str, nullable: bool = False) -> Iterator[sa.Column[Any]]:
    return (sa.Column(name, sa.Text(), nullable=nullable) for name in names)


def _make_tables() -> dict[str, sa.Table]:
    doubt = op.create_table(
        "doubt",
        *_text("workspace_id", "id", "behavior", "users"),
        *_text("tag", nullable=True),
        sa.Column("observed", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("chances", sa.Integer(), nullable=False),
        sa.Column("p_value", sa.Float(), nullable=False),
        *_text("evidence", "post_ids"),
        sa.Column("noticed_at", _MOMENT, nullable=False),
        *_text("overruled_by", nullable=True),
        sa.Column("overruled_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id", name="pk_doubt"),
    )
    forgotten = op.create_table(
        "forgotten_person",
        *_text("workspace_id", "digest"),
        sa.PrimaryKeyConstraint("workspace_id", "digest", name="pk_forgotten_person"),
    )
    missing = op.create_table(
        "missing_emoji",
        *_text("workspace_id", "name"),
        sa.PrimaryKeyConstraint("workspace_id", "name", name="pk_missing_emoji"),
    )
    draw = op.create_table(
        "push_draw",
        sa.Column("seq", _NUMBER, nullable=False),
        *_text("workspace_id"),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("propensity", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_push_draw"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_push_draw_workspace_id_seq", "push_draw", ["workspace_id", "seq"])
    smoke = op.create_table(
        "smoke_test",
        *_text("workspace_id"),
        sa.Column("at", _MOMENT, nullable=False),
        *_text("broken", nullable=True),
        *_text("says"),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_smoke_test"),
    )
    return {"doubt": doubt, "forgotten": forgotten, "missing": missing, "draw": draw, "smoke": smoke}


def _carry_settings(tables: dict[str, sa.Table]) -> None:
    connection = op.get_bind()
    for workspace, kept in connection.execute(sa.select(_WORKSPACE.c.workspace_id, _WORKSPACE.c.settings)).all():
        settings: dict[str, Any] = kept or {}
        connection.execute(
            sa.update(_WORKSPACE)
            .where(_WORKSPACE.c.workspace_id == workspace)
            .values(
                bot_user=settings.get("bot_user"),
                channel=settings.get("channel") or "",
                paused=bool(settings.get("paused", False)),
                pseudonym_key=settings.get("pseudonym_key"),
            )
        )
        for name, rows in _rows_of(settings).items():
            if rows:
                connection.execute(sa.insert(tables[name]), [{"workspace_id": workspace, **row} for row in rows])


def _rows_of(settings: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that a workspace's settings become, by table; `_make_tables` names these."""
    journey = settings.get("journey")
    return {
        "doubt": [
            {
                **{name: value for name, value in one.items() if name != "behaviour"},
                "behavior": one["behaviour"],
                "users": json.dumps(one["users"]),
                "post_ids": json.dumps(one["post_ids"]),
                "noticed_at": _moment(one["noticed_at"]),
                "overruled_by": one["overruled_by"] or None,
                "overruled_at": _moment(one["overruled_at"]) if one["overruled_at"] else None,
            }
            for one in settings.get("doubts", ())
        ],
        "forgotten": [{"digest": digest} for digest in settings.get("forgotten", ())],
        "missing": [{"name": name} for name in dict.fromkeys(settings.get("emoji_missing", ()))],
        "draw": [{**one, "at": _moment(one["at"])} for one in settings.get("slots", ())],
        "smoke": [{**journey, "at": _moment(journey["at"])}] if journey else [],
    }


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _place_standings() -> None:
    """Order standings as they were frozen: a round's champion before the others of the same rank."""
    op.add_column("standing", sa.Column("place", sa.Integer(), nullable=True))
    connection = op.get_bind()
    columns = _STANDING.c
    frozen = connection.execute(sa.text("SELECT workspace_id, number, champion FROM round WHERE frozen_at IS NOT NULL"))
    won = {(workspace, number): champion for workspace, number, champion in frozen}
    order = (columns.workspace_id, columns.round_number, columns.rank, columns.user_id)
    by_round: dict[tuple[str, int], list[Any]] = {}
    for row in connection.execute(sa.select(_STANDING).order_by(*order)).all():
        by_round.setdefault((row.workspace_id, row.round_number), []).append(row)
    for found, rows in by_round.items():
        champion = won.get(found)
        rows.sort(key=lambda row: (row.rank, row.user_id != champion, -row.agreed / (row.settled or 1), row.user_id))
        for place, row in enumerate(rows, 1):
            mine = (columns.workspace_id == found[0], columns.round_number == found[1], columns.user_id == row.user_id)
            connection.execute(sa.update(_STANDING).where(*mine).values(place=place))
    with op.batch_alter_table("standing") as batch:
        batch.alter_column("place", existing_type=sa.Integer(), nullable=False)


# A settled post with fewer voters than its verdict counted has lost votes to retention already.
_FINAL = """
    UPDATE post SET votes_expired_at = (
        SELECT verdict.settled_at FROM verdict
        WHERE verdict.workspace_id = post.workspace_id AND verdict.post_id = post.id AND verdict.newest
    )
    WHERE settled_cursor >= votes_cursor AND EXISTS (
        SELECT 1 FROM round
        WHERE round.workspace_id = post.workspace_id AND round.number = post.round_number AND round.frozen_at IS NOT NULL
    ) AND (
        SELECT verdict.voters FROM verdict
        WHERE verdict.workspace_id = post.workspace_id AND verdict.post_id = post.id AND verdict.newest
    ) > (
        SELECT count(DISTINCT vote.user_id) FROM vote
        WHERE vote.workspace_id = post.workspace_id AND vote.post_id = post.id
    )
"""
