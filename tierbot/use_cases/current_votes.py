"""The current votes on a post, from the ledger: at its own place, and in invited trainers' direct messages."""

from collections.abc import Collection

from tierbot.domain.feedback.votes import merged, votes_of
from tierbot.domain.nouns import Post, Vote
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.ports import Transaction

Place = tuple[str, str]
"""A message: (channel, ts)."""


def places_of(tx: Transaction, post: Post) -> list[Place]:
    """Return a post's places in Slack, its own first; empty until it is sent."""
    own = [(post.channel, post.ts)] if post.ts is not None else []
    return own + [(one.channel, one.ts) for one in tx.posts.invitations(post_id=post.id) if one.ts is not None]


def votes_on(tx: Transaction, post: Post, tags: TagSpace) -> list[Vote]:
    """Return everyone's current votes on a post, including events that have not been tallied yet.

    These include votes of people who haven't been looked up yet, or who may not vote.
    """
    return merged(votes_of(tx.ledger.current(*place), post, tags) for place in places_of(tx, post))


def votes_of_voters(tx: Transaction, users: Collection[str], post: Post, tags: TagSpace) -> list[Vote]:
    """Return the current votes on a post by those of these users who may vote."""
    places = places_of(tx, post)
    return merged(votes_of(tx.ledger.current_of(users, *place, voters=True), post, tags) for place in places)


def cursor_of(tx: Transaction, post: Post) -> int:
    """Return the highest ledger number among the events on a post in all its places; 0 if there are none."""
    return max((tx.ledger.cursor(*place) for place in places_of(tx, post)), default=0)
