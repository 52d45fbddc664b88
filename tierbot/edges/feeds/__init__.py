"""Feeds from the open web, read as untrusted input: guarded addresses, capped sizes and times, plain errors."""

from tierbot.edges.feeds.guard import LOOPBACK, is_closed
from tierbot.edges.feeds.limits import Limits
from tierbot.edges.feeds.reader import FeedReader

__all__ = ["LOOPBACK", "FeedReader", "Limits", "is_closed"]
