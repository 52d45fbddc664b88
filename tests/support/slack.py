"""Articles, tags and clocks for tests of Slack messages."""

import time
from datetime import UTC, datetime, timedelta

from tierbot.domain.nouns import Article
from tierbot.domain.tags import default_tag_space

NOW = datetime(2025, 11, 12, 15, 0, tzinfo=UTC)


ARTICLE = Article(
    id="a1",
    title="Chef wins award for <best> pizza & pasta",
    text="A chef from Naples has won the city's award for the third time in a row, the jury said on Monday.",
    url="https://herald.example/chef?a=1&b=2",
    source="Harbour Herald",
    received_at=NOW,
    published_at=NOW - timedelta(hours=3),
    image_url="https://herald.example/chef.jpg",
)


TAGS = default_tag_space()


def find(chat, channel, delivery_id, since):
    """Return the ts of a message sent since then (or two minutes before), looked for page by page; None without one."""
    span, cursor = (since - timedelta(minutes=2), Now().now() + timedelta(hours=2)), None
    while True:
        page = chat.find(channel, delivery_id, span, None, cursor)
        if page.ts or page.cursor is None:
            return page.ts
        cursor = page.cursor


class Now:
    """The time as it is."""

    def now(self):
        """Return it."""
        return datetime.now(UTC)

    def monotonic(self):
        """Return the seconds that have passed."""
        return time.monotonic()
