"""Limits on a feed's size and time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """Limits on one feed, and the number of feeds to read simultaneously."""

    seconds: float = 15.0  # per feed, redirects included
    size: int = 10 * 2**20  # bytes, after decompression
    entries: int = 100  # feeds list the newest first
    redirects: int = 5
    workers: int = 12
