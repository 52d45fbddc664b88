"""The recent posts, whose votes tell how reliable each voter is."""

from tierbot.domain.nouns import Post
from tierbot.use_cases.ports import Transaction

ROUNDS = 5
"""The open round and the four before it."""

MOST_POSTS = 2000
"""The newest posts are enough: fitting the anchor-aware rule to them takes a third of a second."""


def recent_posts(tx: Transaction) -> list[Post]:
    """Return these posts, up to MOST_POSTS, newest first; none before the first round."""
    current = tx.rounds.current()
    newest = current.number if current else 0
    posts: list[Post] = []
    for number in range(newest, max(0, newest - ROUNDS), -1):
        posts += tx.posts.in_round(number)[::-1][: MOST_POSTS - len(posts)]
    return posts
