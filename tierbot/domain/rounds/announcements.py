"""Announces a closed round as plain data for the outbox, whose stored format includes the keys."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tierbot.domain.nouns import Estimate, Round, Standing
from tierbot.domain.rounds.boards import RoundStatus

_TOP = 10


def round_closed(
    round_: Round,
    standings: Sequence[Standing],
    status: RoundStatus,
    previous_accuracy: Estimate | None,
    tags_improved: Sequence[str],
    tags_struggling: Sequence[str],
) -> dict[str, Any]:
    """Return the announcement of a frozen round: its champion, its standings and the model's accuracy."""
    return {
        "kind": "round_closed",
        "round": round_.number,
        "champion": round_.champion,
        "sharpshooter": round_.sharpshooter,
        "standings": [asdict(standing) for standing in standings[:_TOP]],
        "posts": status.posts,
        "judged": status.judged,
        "accuracy": asdict(status.accuracy),
        "blank_accuracy": asdict(status.blank_accuracy),
        "previous_accuracy": asdict(previous_accuracy) if previous_accuracy and previous_accuracy.n else None,
        "tags_improved": list(tags_improved),
        "tags_struggling": list(tags_struggling),
    }
