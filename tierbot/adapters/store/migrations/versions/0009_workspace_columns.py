"""Columns and tables instead of the workspace's JSON column; the order of standings; which verdicts are final."""

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from tierbot.adapters.store.migrations.columns import columns

revision = "0009"
down_revision = "0008"

_WORKSPACE = sa.table(
    "workspace",
    *columns("workspace_id text, settings json, bot_user text, channel text, pseudonym_key text, paused flag"),
)
_STANDING = sa.table(
    "standing",
    *columns("workspace_id text, user_id text, round_number integer, rank integer, agreed integer, settled integer"),
    *columns("place integer"),
)


def upgrade() -> None:
    """Create the tables and columns, and carry over the existing data."""
    tables = _make_tables()
    for column in columns("bot_user text?, channel text?, pseudonym_key text?, paused flag?"):
        op.add_column("workspace", column)
    _carry_settings(tables)
    with op.batch_alter_table("workspace") as batch:
        batch.alter_column("channel", existing_type=sa.Text(), nullable=False)
        batch.alter_column("paused", existing_type=sa.Boolean(), nullable=False)
        batch.drop_column("settings")
    for column in columns("priority integer?, after_id text?"):
        op.add_column("outbox", column)
    _place_standings()
    op.add_column("post", *columns("votes_expired_at moment?"))
    op.execute(_FINAL)


def _make_tables() -> dict[str, sa.Table]:
    def made(name: str, plain: str, *key: str) -> sa.Table:
        primary = sa.PrimaryKeyConstraint(*key, name=f"pk_{name}")
        return op.create_table(name, *columns(plain), primary, sqlite_autoincrement=key == ("seq",))

    tables = {
        "doubt": made(
            "doubt",
            """workspace_id text, id text, behavior text, users text, tag text?, observed integer, expected real,
            chances integer, p_value real, evidence text, post_ids text, noticed_at moment, overruled_by text?,
            overruled_at moment?""",
            "workspace_id",
            "id",
        ),
        "forgotten": made("forgotten_person", "workspace_id text, digest text", "workspace_id", "digest"),
        "missing": made("missing_emoji", "workspace_id text, name text", "workspace_id", "name"),
        "draw": made("push_draw", "seq number, workspace_id text, at moment, expected real, propensity real", "seq"),
        "smoke": made(
            "smoke_test", "workspace_id text, at moment, broken text?, says text, seconds real", "workspace_id"
        ),
    }
    op.create_index("ix_push_draw_workspace_id_seq", "push_draw", ["workspace_id", "seq"])
    return tables


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
    """Convert a workspace's settings to rows, by table; `_make_tables` names the tables."""
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
    op.add_column("standing", *columns("place integer?"))
    connection = op.get_bind()
    standing = _STANDING.c
    frozen = connection.execute(sa.text("SELECT workspace_id, number, champion FROM round WHERE frozen_at IS NOT NULL"))
    won = {(workspace, number): champion for workspace, number, champion in frozen}
    order = (standing.workspace_id, standing.round_number, standing.rank, standing.user_id)
    by_round: dict[tuple[str, int], list[Any]] = {}
    for row in connection.execute(sa.select(_STANDING).order_by(*order)).all():
        by_round.setdefault((row.workspace_id, row.round_number), []).append(row)
    for found, rows in by_round.items():
        champion = won.get(found)
        rows.sort(key=lambda row: (row.rank, row.user_id != champion, -row.agreed / (row.settled or 1), row.user_id))
        for place, row in enumerate(rows, 1):
            mine = (
                standing.workspace_id == found[0],
                standing.round_number == found[1],
                standing.user_id == row.user_id,
            )
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
