"""The journey on schedule: a canary goes the whole way every few hours, and admins hear of it when a step breaks."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from tierbot.domain.doctor.smoke_test import Step, broken, news_of
from tierbot.domain.nouns import TierbotError, key
from tierbot.use_cases.loop import Loop, log
from tierbot.use_cases.ports import ChatUnavailableError, Delivery, DeliveryKind, Due, RateLimitedError, Transaction

JOB = "journey"
_FIRST_AFTER = timedelta(minutes=1)
_MOST_TOLD = 10


class SmokeTest:
    """A job of the scheduler's. `run_smoke_test` takes a journey; `admins` lists the user ids to tell when it breaks."""

    def __init__(
        self,
        run_smoke_test: Callable[[], list[Step]],
        admins: Callable[[], Sequence[str]],
        direct: Callable[[str], str],
    ) -> None:
        """`direct` returns the channel of direct messages with a user."""
        self._travel = run_smoke_test
        self._admins = admins
        self._direct = direct

    def plan(self, loop: Loop, workspace: str) -> None:
        """Put the next journey on the agenda, or take it off if the settings want none."""
        every, now = timedelta(hours=loop.settings.smoke_test_every_hours), loop.clock.now()
        with loop.store.begin(workspace) as tx:
            known = tx.agenda.get(JOB)
            if not every:
                tx.agenda.remove(JOB)
                return
            due_at = known.ran_at + every if known and known.ran_at else now + _FIRST_AFTER
            tx.agenda.set(Due(JOB, max(due_at, now + _FIRST_AFTER), known.ran_at if known else None))

    def __call__(self, loop: Loop, workspace: str, due: Due) -> None:  # noqa: ARG002 - jobs share one signature
        """Take a journey, keep how it went, tell the admins of a step that broke: once a day each."""
        steps = self._travel()
        first = broken(steps)
        messages = self._messages(loop, steps, first) if first else []
        now = loop.clock.now()
        with loop.store.begin(workspace) as tx:
            record_smoke_test(tx, steps, now.isoformat())
            tx.outbox.add(messages)
            tx.agenda.set(Due(JOB, now + timedelta(hours=loop.settings.smoke_test_every_hours), now))

    def _messages(self, loop: Loop, steps: Sequence[Step], first: Step) -> list[Delivery]:
        log.warning("The journey broke at %r: %s", first.name, first.says)
        now, news = loop.clock.now(), news_of(steps, loop.settings.smoke_test_channel)
        messages = []
        for user in self._told():
            try:
                channel = self._direct(user)
            except (RateLimitedError, ChatUnavailableError):
                raise  # the scheduler tries the whole again
            except TierbotError as fault:
                log.warning("%s cannot be told of it: %s", user, fault)
                continue
            delivery_id = key("journey", user, first.name, now.date().isoformat())
            messages.append(Delivery(delivery_id, DeliveryKind.ANNOUNCE, channel, news, now, now))
        return messages

    def _told(self) -> Sequence[str]:
        try:
            return list(self._admins())[:_MOST_TOLD]
        except TierbotError as fault:
            log.warning("The admins cannot be listed, so nobody is told: %s", fault)
            return ()


def record_smoke_test(tx: Transaction, steps: Sequence[Step], at: str) -> None:
    """Keep how a journey went beside the workspace's switches, for `tierbot status`; `at` is ISO 8601."""
    known = tx.workspaces.get()
    if known is None:
        return
    first = broken(steps)
    last = {
        "at": at,
        "broken": first.name if first else None,
        "says": first.says if first else "",
        "seconds": round(sum(step.seconds for step in steps), 3),
    }
    tx.workspaces.put(replace(known, settings={**known.settings, "journey": last}))
