"""“Name the right tag”: votes given by menu, by colleagues who do not know the emoji.

A choice is a few events in the ledger, like reactions are; a new choice replaces the one before, an empty one
withdraws it. The post then shows how many named what, since a menu leaves no emoji behind.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from tierbot.domain.feedback.menu_votes import changes, chosen_by
from tierbot.domain.nouns import Post, ReactionEvent, Source, TierbotError, key
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.delivery.dispatch import revisions_of
from tierbot.use_cases.ports import Clock, Store, Transaction

MOST_NAMED = 3
"""Tags that one person may name by menu: a story is about few things."""


@dataclass(frozen=True, slots=True)
class Menu:
    """What the menu offers and what stands chosen in it."""

    tags: TagSpace
    chosen: frozenset[str]


class MenuVotes:
    """Votes by menu, in any workspace. `wake` asks for tallying and sending soon."""

    def __init__(self, store: Store, clock: Clock, wake: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._wake = wake

    def menu(self, workspace: str, user: str, channel: str, ts: str) -> Menu:
        """Return the menu for a post. Raises TierbotError if the message is none."""
        with self._store.read(workspace) as tx:
            return Menu(tx.workspaces.tags(), chosen_by(user, _given(tx, _post_at(tx, channel, ts))))

    def name(self, workspace: str, user: str, channel: str, ts: str, tag_ids: Collection[str], form: str) -> bool:
        """Let a user's menu vote on a post be these tags, none to withdraw it; return whether anything changed.

        `form` is the id of the form that was sent: sending it twice counts once. Raises TierbotError if the
        message is no post, a tag is not in use, or there are too many.
        """
        now = self._clock.now()
        with self._store.begin(workspace) as tx:
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
                for tag, added in changes(chosen_by(user, events), tag_ids)
            ]
            written = sum(tx.ledger.append(event) for event in news)
            if written:
                tx.outbox.add(revisions_of(tx, post, now))
        if written:
            self._wake()
        return bool(written)


def _post_at(tx: Transaction, channel: str, ts: str) -> Post:
    post = tx.posts.at(channel, ts)
    if post is None:
        raise TierbotError("This message is none of my posts. Name the tag of one that I posted.")
    return post


def _given(tx: Transaction, post: Post) -> list[ReactionEvent]:
    """Return the events at a post's own place: there votes by menu are kept, wherever the menu was opened."""
    return tx.ledger.events(post.channel, post.ts) if post.ts else []


def _check(tag_ids: Collection[str], tags: TagSpace) -> None:
    unknown = sorted(set(tag_ids) - set(tags.ids))
    if unknown:
        raise TierbotError(f"The topic {unknown[0][:60]!r} is not in use any more. Please choose another.")
    if len(tag_ids) > MOST_NAMED:
        raise TierbotError(f"Name {MOST_NAMED} topics at most: those that the story is most about.")
