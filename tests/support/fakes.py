"""Stand-ins for the ports that reach outside: they keep plain state that a test can look at."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tierbot.domain.nouns import from_slack_ts, to_slack_ts
from tierbot.use_cases.ports import Page, PostView, ReactionCount, Span


class ManualClock:
    """ports.Clock that moves only when told to."""

    def __init__(self, start: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)) -> None:
        self.time = start
        self.passed = 1000.0

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.passed

    def advance(self, **by: float) -> None:
        self.time += timedelta(**by)
        self.passed += timedelta(**by).total_seconds()

    def set_back(self, **by: float) -> None:
        """Let the machine's clock be set back, which takes no time."""
        self.time -= timedelta(**by)


class KeptFigures:
    """ports.Meter that keeps what it was told, in plain lists."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, bool, float | None]] = []
        self.limited: list[str] = []
        self.work: list[tuple[str, bool]] = []

    def answered(self, kind: str, seconds: float, *, acknowledged: bool, lag: float | None) -> None:
        assert seconds >= 0
        self.answers.append((kind, acknowledged, lag))

    def rate_limited(self, method: str) -> None:
        self.limited.append(method)

    def worked(self, work: str, seconds: float, *, failed: bool) -> None:
        assert seconds >= 0
        self.work.append((work, failed))


class MemoryChat:
    """ports.Chat that keeps what it was sent. `faults` are raised, one a call, before anything happens."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.posts: dict[str, PostView] = {}
        self.pictures: list[tuple[str, bytes]] = []
        self.announcements: list[Mapping[str, Any]] = []
        self.replies: list[tuple[str, Mapping[str, Any]]] = []  # (the thread's ts, the announcement in it)
        self.whispers: list[tuple[str, Mapping[str, Any]]] = []  # (user, what they alone were shown)
        self.prefilled: list[tuple[str, str]] = []
        self.revised: list[tuple[str, dict[str, int]]] = []  # (ts, what the message says was named by menu)
        self.shown: dict[str, list[ReactionCount]] = {}
        self.strangers: set[str] = set()
        self.aliases: dict[str, str] = {}
        self.looked_up: list[str] = []
        self.unanswered: list[Exception] = []  # raised by look-ups, one each
        self.moved_to: str | None = None
        self.faults: list[Exception] = []
        self.lost_answers: list[Exception] = []  # raised after the message was sent
        self._marks: dict[str, str] = {}
        self._sent = 0

    def _fault(self) -> None:
        if self.faults:
            raise self.faults.pop(0)

    def _mark(self, delivery_id: str) -> str:
        self._sent += 1
        ts = to_slack_ts(self._clock.now() + timedelta(microseconds=self._sent))
        self._marks[delivery_id] = ts
        return ts

    def post(self, view: PostView, delivery_id: str) -> str:
        self._fault()
        ts = self._mark(delivery_id)
        self.posts[ts] = view
        if self.lost_answers:
            raise self.lost_answers.pop(0)
        return ts

    def revise(self, view: PostView) -> None:
        self._fault()
        assert view.post.ts in self.posts
        self.revised.append((view.post.ts, dict(view.named_by_menu)))

    def direct(self, user: str) -> str:
        self._fault()
        return f"D{user}"

    def react(self, channel: str, ts: str, emoji: str) -> None:
        self._fault()
        self.prefilled.append((ts, emoji))

    def announce(
        self, channel: str, announcement: Mapping[str, Any], delivery_id: str, thread: str | None = None
    ) -> str:
        self._fault()
        if thread is None:
            self.announcements.append(announcement)
        else:
            self.replies.append((thread, announcement))
        return self._mark(delivery_id)

    def whisper(self, channel: str, user: str, announcement: Mapping[str, Any]) -> None:
        self._fault()
        self.whispers.append((user, announcement))

    def picture(self, channel: str, png: bytes, title: str, alt: str, delivery_id: str) -> str:
        self._fault()
        self.pictures.append((title, png))
        self._mark(delivery_id)
        if self.lost_answers:
            raise self.lost_answers.pop(0)
        return f"F{len(self.pictures)}"

    def find(
        self, channel: str, delivery_id: str, span: Span, thread: str | None = None, cursor: str | None = None
    ) -> Page:
        ts = self._marks.get(delivery_id)
        return Page(ts if ts is not None and span[0] <= from_slack_ts(ts) <= span[1] else None)

    def channel_with(self, ts: str) -> str | None:
        return self.moved_to if ts in self.posts else None

    def is_colleague(self, user: str) -> bool:
        if self.unanswered:
            raise self.unanswered.pop(0)
        self.looked_up.append(user)
        return user not in self.strangers

    def emoji_aliases(self) -> dict[str, str]:
        self._fault()
        return dict(self.aliases)

    def reactions(self, channel: str, ts: str) -> list[ReactionCount] | None:
        self._fault()
        return self.shown.get(ts, [])
