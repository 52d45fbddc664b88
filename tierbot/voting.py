"""The votes on a post, straight from the ledger: what tallying writes down, and what must be known at once."""

from tierbot.domain import Post, Vote
from tierbot.feedback.votes import votes_of
from tierbot.ports import Transaction
from tierbot.tags import TagSpace


def votes_on(tx: Transaction, post: Post, tags: TagSpace) -> list[Vote]:
    """Return the votes that stand on a post right now, also those that no tally has read yet."""
    return [] if post.ts is None else votes_of(tx.ledger.events(post.channel, post.ts), post, tags)
