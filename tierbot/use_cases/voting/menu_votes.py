"""Menu votes ("Name the right tag"), for colleagues who don't know the emoji.

A choice is recorded as events in the ledger, like reactions; a new choice replaces the previous one, an empty one
withdraws it.
The post then shows the counts, since a menu leaves no emoji behind.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from tierbot.domain.feedback.votes import chosen_by_menu, menu_changes
from tierbot.domain.nouns import Post, ReactionEvent, Source, TierbotError, key
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.delivery.contents import revisions_of
from tierbot.use_cases.ports import Clock, Store, Transaction

MOST_NAMED = 3
"""Tags that one person may name by menu."""


@dataclass(frozen=True, slots=True)
class Menu:
    """What the menu offers, and the current choice."""

    tags: TagSpace
    chosen: frozenset[str]


@dataclass(eq=False)
class MenuVotes:
    """Menu votes, in any workspace. `wake` wakes the background worker."""

    store: Store
    clock: Clock
    wake: Callable[[], None]

    def menu(self, workspace: str, user: str, channel: str, ts: str) -> Menu:
        """Return the menu for a post. Raises TierbotError if the message is not a post."""
        with self.store.read(workspace) as tx:
            return Menu(tx.workspaces.tags(), chosen_by_menu(user, _given(tx, _post_at(tx, channel, ts))))

    def name(self, workspace: str, user: str, channel: str, ts: str, tag_ids: Collection[str], form: str) -> bool:
        """Set a user's menu vote on a post to these tags (none: withdraw it); return whether anything changed.

        `form` is the id of the submitted form: submitting it twice counts once. Raises TierbotError if the
        message is not a post, a tag is not in use, or there are too many.
        """
        now = self.clock.now()
        with self.store.begin(workspace) as tx:
            post = _post_at(tx, channel, ts)
            _check(tag_ids, tx.workspaces.tags())
            events = _given(tx, post)
            news = [
                ReactionEvent(
                    event_id=key("menu", form, user, tag, added),
                    channel=post.channel,
                    ts=post.ts or ts,
                    user=user,
                    name=tag,
                    added=added,
                    happened_at=now,
                    received_at=now,
                    source=Source.MENU,
                )
                for tag, added in menu_changes(chosen_by_menu(user, events), tag_ids)
            ]
            written = sum(tx.ledger.append(event) for event in news)
            if written:
                tx.outbox.add(revisions_of(tx, post, now))
        if written:
            self.wake()
        return bool(written)


def _post_at(tx: Transaction, channel: str, ts: str) -> Post:
    post = tx.posts.at(channel, ts)
    if post is None:
        raise TierbotError("This message isn't one of my posts. Name the tag of one of those.")
    return post


def _given(tx: Transaction, post: Post) -> list[ReactionEvent]:
    """Return the events at a post's own place, where menu votes are stored wherever the menu was opened."""
    return tx.ledger.current(post.channel, post.ts) if post.ts else []


def _check(tag_ids: Collection[str], tags: TagSpace) -> None:
    unknown = sorted(set(tag_ids) - set(tags.ids))
    if unknown:
        raise TierbotError(f"The topic {unknown[0][:60]!r} is no longer in use. Please choose another.")
    if len(tag_ids) > MOST_NAMED:
        raise TierbotError(f"Name {MOST_NAMED} topics at most, the ones the story is mainly about.")
