"""How much of a feed is taken, and for how long it is waited for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """Caps on one feed, and how many feeds are read at once."""

    seconds: float = 15.0  # for the whole of one feed, redirects included
    size: int = 10 * 2**20  # bytes, after decompression
    entries: int = 100  # the first so many; feeds list the newest first
    redirects: int = 5
    workers: int = 12
