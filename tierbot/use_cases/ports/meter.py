"""The port for counts and timings; names no person."""

from typing import Protocol


class Meter(Protocol):
    """Collects the figures of one process. Thread-safe; methods never raise."""

    def answered(self, kind: str, seconds: float, *, acknowledged: bool, lag: float | None) -> None:
        """Record that a payload of this kind was answered after so many seconds.

        lag: seconds from the event in Slack to its row in the ledger, where both are known.
        """

    def rate_limited(self, method: str) -> None:
        """Record that Slack answered a Web API method with 429."""

    def worked(self, work: str, seconds: float, *, failed: bool) -> None:
        """Record that a piece of work (settling, a job) took so many seconds."""


class NoMeter:
    """A Meter that records nothing."""

    def answered(self, kind: str, seconds: float, *, acknowledged: bool, lag: float | None) -> None:
        """Record nothing."""

    def rate_limited(self, method: str) -> None:
        """Record nothing."""

    def worked(self, work: str, seconds: float, *, failed: bool) -> None:
        """Record nothing."""
