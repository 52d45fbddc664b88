"""The port through which the parts of a process say how they do: counted and timed, and nobody named."""

from typing import Protocol


class Meter(Protocol):
    """Keeps the figures of one process. Methods are called from many threads and never raise."""

    def answered(self, kind: str, seconds: float, *, acknowledged: bool, lag: float | None) -> None:
        """Note that something of this kind came from Slack and was answered after so many seconds.

        lag: seconds from what happened in Slack to its row in the ledger, where both are known.
        """

    def rate_limited(self, method: str) -> None:
        """Note that Slack answered a Web API method with 429."""

    def worked(self, work: str, seconds: float, *, failed: bool) -> None:
        """Note that a piece of work (settling, a job on the agenda) took so many seconds."""


class NoMeter:
    """A Meter that keeps nothing."""

    def answered(self, kind: str, seconds: float, *, acknowledged: bool, lag: float | None) -> None:
        """Keep nothing."""

    def rate_limited(self, method: str) -> None:
        """Keep nothing."""

    def worked(self, work: str, seconds: float, *, failed: bool) -> None:
        """Keep nothing."""
