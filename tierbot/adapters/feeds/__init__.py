"""Feeds from the open web as untrusted input: checked addresses, limited size and time, plain errors."""

from tierbot.adapters.feeds.fetch import FeedLimits
from tierbot.adapters.feeds.guard import LOOPBACK, is_closed
from tierbot.adapters.feeds.reader import FeedReader

__all__ = ["LOOPBACK", "FeedLimits", "FeedReader", "is_closed"]
