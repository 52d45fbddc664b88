"""Feeds from the open web, read as untrusted input: guarded addresses, capped sizes and times, plain errors."""

from tierbot.adapters.feeds.guard import LOOPBACK, is_closed
from tierbot.adapters.feeds.limits import Limits
from tierbot.adapters.feeds.reader import FeedReader

__all__ = ["LOOPBACK", "FeedReader", "Limits", "is_closed"]
