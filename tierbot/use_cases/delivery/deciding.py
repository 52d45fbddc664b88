"""What an admin decides about deliveries that wait or are parked: try them again, or never send them."""

from collections.abc import Mapping, Sequence

from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.delivery.channels import reason_of
from tierbot.use_cases.ports import NOT_SENT, Clock, ClosedChannel, Delivery, DeliveryState, Store, Transaction


def why_it_waits(delivery: Delivery, closed: Mapping[str, ClosedChannel]) -> str:
    """Return in words why a delivery isn't sent; `closed` are the closed channels by id. Empty if its turn comes soon."""
    said = delivery.error or ""
    if delivery.state is DeliveryState.PARKED and delivery.search is not None:
        return (
            "It may have been sent, and Slack's limits kept tierbot from finding out. Look for it in the channel: if it's "
            f"there, drop it; if not, retry looks again and then sends it. ({said})"
        )
    if delivery.state is not DeliveryState.PARKED and delivery.channel in closed:
        why = reason_of(closed[delivery.channel].why)
        return f"{why[0].upper()}{why[1:]}."
    if delivery.error == NOT_SENT:
        return "It belongs to a post that Slack refused, and follows it if that is sent."
    if not said:
        return ""
    return f"Slack refused it: {said}" if delivery.state is DeliveryState.PARKED else f"The last attempt failed: {said}"


def subjects_of(tx: Transaction, deliveries: Sequence[Delivery]) -> dict[str, str]:
    """Return what deliveries are about, by id: a post's title in quotes, or the kind of a message."""
    posts = {one.payload["post_id"]: None for one in deliveries if one.payload.get("post_id")}
    found = {key: tx.posts.get(key) for key in posts}
    titles = tx.articles.get({post.article_id for post in found.values() if post is not None})
    subjects = {}
    for one in deliveries:
        post = found.get(one.payload.get("post_id"))
        if post is not None and post.article_id in titles:
            subjects[one.id] = f"“{titles[post.article_id].title[:100]}”"
        elif kind := one.payload.get("kind"):
            subjects[one.id] = f"message about: {str(kind).replace('_', ' ')}"
    return subjects


def retry(store: Store, clock: Clock, workspace: str, ids: Sequence[str], by: str) -> int:
    """Try these deliveries again now; without ids, all that are parked or wait. Return how many were parked or named."""
    now = clock.now()
    with store.begin(workspace) as tx:
        changed = tx.outbox.again(_checked(tx, ids) or [one.id for one in tx.outbox.parked()], now)
        if not ids:
            tx.outbox.release(now)
        tx.workspaces.audit(by, "retry deliveries", None, list(ids) or "all", now)
    return changed


def drop(store: Store, clock: Clock, workspace: str, ids: Sequence[str], by: str) -> int:
    """Never send these deliveries; without ids, all that are parked. Return how many."""
    now = clock.now()
    with store.begin(workspace) as tx:
        changed = tx.outbox.drop(_checked(tx, ids) or [one.id for one in tx.outbox.parked()], now)
        tx.workspaces.audit(by, "drop deliveries", None, list(ids) or "all parked", now)
    return changed


def _checked(tx: Transaction, ids: Sequence[str]) -> Sequence[str]:
    """Return the ids. Raises TierbotError if one is neither parked nor waiting."""
    known = {one.id for one in tx.outbox.unsent()} if ids else set()
    if unknown := [one for one in ids if one not in known]:
        raise TierbotError(
            f"No waiting or parked delivery has the id {', '.join(unknown)}. `tierbot outbox list` shows the ids."
        )
    return ids
