"""Columns of migrations, written as text."""

from typing import Any

import sqlalchemy as sa

_KINDS: dict[str, sa.types.TypeEngine[Any]] = {
    "text": sa.Text(),
    "moment": sa.DateTime(timezone=True),
    "integer": sa.Integer(),
    "number": sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
    "json": sa.JSON(),
    "real": sa.Float(),
    "flag": sa.Boolean(),
    "blob": sa.LargeBinary(),
}


def columns(names_and_kinds: str) -> list[sa.Column[Any]]:
    """Return columns such as "id text, posted_at moment?"; only those with a question mark may be NULL."""
    found = []
    for part in names_and_kinds.split(","):
        name, kind = part.split()
        found.append(sa.Column(name, _KINDS[kind.rstrip("?")], nullable=kind.endswith("?")))
    return found
