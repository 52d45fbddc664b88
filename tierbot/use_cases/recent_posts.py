"""The open round, and the rounds and posts before it, whose votes show how reliable each voter is."""

from tierbot.domain.nouns import Post, Round, TierbotError
from tierbot.use_cases.ports import Transaction

ROUNDS = 5
"""The open round and the four before it."""

MOST_POSTS = 2000
"""The newest posts are enough: fitting the anchor-aware rule to them takes a third of a second."""


def open_round(tx: Transaction) -> Round:
    """Return the open round. Raises TierbotError before the first."""
    round_ = tx.rounds.current()
    if round_ is None:
        raise TierbotError("No round is open yet. It opens when the bot starts (`tierbot run`).")
    return round_


def recent_rounds(tx: Transaction, count: int = ROUNDS) -> list[int]:
    """Return the numbers of the open round and those before it, up to `count`, oldest first."""
    current = tx.rounds.current()
    return list(range(max(1, current.number - count + 1), current.number + 1)) if current else []


def recent_posts(tx: Transaction) -> list[Post]:
    """Return the posts of these rounds, up to MOST_POSTS, newest first."""
    posts: list[Post] = []
    for number in reversed(recent_rounds(tx, ROUNDS)):
        posts += tx.posts.in_round(number)[::-1][: MOST_POSTS - len(posts)]
    return posts
