"""The votes on a post, straight from the ledger: what tallying writes down, and what must be known at once.

A post may stand in several places: where it was posted, and in the direct messages of who was invited to judge
it. What is said of it counts wherever it is said.
"""

from tierbot.domain.feedback.votes import merged, votes_of
from tierbot.domain.nouns import Post, Vote
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.ports import Transaction

Place = tuple[str, str]
"""A message: (channel, ts)."""


def places_of(tx: Transaction, post: Post) -> list[Place]:
    """Return where a post stands in Slack, its own place first; empty before it was sent."""
    own = [(post.channel, post.ts)] if post.ts is not None else []
    return own + [(one.channel, one.ts) for one in tx.posts.invitations(post_id=post.id) if one.ts is not None]


def votes_on(tx: Transaction, post: Post, tags: TagSpace) -> list[Vote]:
    """Return the votes that stand on a post right now, also those that no tally has read yet."""
    return merged(votes_of(tx.ledger.events(*place), post, tags) for place in places_of(tx, post))


def cursor_of(tx: Transaction, post: Post) -> int:
    """Return the highest ledger number among the events on a post, wherever it stands; 0 without any."""
    return max((tx.ledger.cursor(*place) for place in places_of(tx, post)), default=0)
