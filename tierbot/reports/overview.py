"""Summarizes many workspaces for `tierbot status`: one line each."""

from typing import Any

from tierbot.use_cases.ports import DeliveryState, Transaction, Workspace


def overview_of(tx: Transaction, workspace: Workspace, default_channel: str) -> dict[str, Any]:
    """Return the status of one of several workspaces as plain data; times are datetimes."""
    counts, current = tx.outbox.counts(), tx.rounds.current()
    return {
        "id": workspace.id,
        "name": workspace.name,
        "enterprise": workspace.enterprise,
        "channel": workspace.plays_in(default_channel) or None,
        "stopped_at": workspace.stopped_at,
        "paused": bool(workspace.settings.get("paused", False)),
        "round": current.number if current else None,
        "posts": len(tx.posts.in_round(current.number)) if current else 0,
        "waiting": counts[DeliveryState.PENDING] + counts[DeliveryState.SENDING],
        "parked": counts[DeliveryState.PARKED],
    }


def state_in_words(found: dict[str, Any]) -> str:
    """Describe in a few words what a workspace does."""
    if found["stopped_at"]:
        return f"stopped {found['stopped_at']:%Y-%m-%d %H:%M}, not installed"
    if not found["channel"]:
        return "no channel yet"
    return "paused" if found["paused"] else "plays"
