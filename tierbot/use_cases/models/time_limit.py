"""A time limit for calls to other people's code, which may hang.

Python cannot end a thread. A call that hangs stays in a daemon thread until it returns by itself; meanwhile, further
calls fail immediately, so each name holds one thread at most. C code that never releases Python's interpreter lock is
beyond any limit within a process.
"""

from collections.abc import Callable
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from tierbot.domain.predict.model import PredictorTimeoutError

_T = TypeVar("_T")


class TimeLimit:
    """Calls with a limit; threads may share it."""

    def __init__(self, seconds: float) -> None:
        """`seconds`, above 0, is the time that a call may take."""
        self._seconds = seconds
        self._late: dict[str, Thread] = {}

    def call(self, name: str, what: Callable[[], _T]) -> _T:
        """Return the result of `what`, or raise its error; PredictorTimeoutError if it or an earlier call is late."""
        late = self._late.get(name)
        if late is not None and late.is_alive():
            raise PredictorTimeoutError(
                f"The predictor {name} is still stuck in an earlier call. Fix it and restart tierbot, or promote another."
            )
        answer: SimpleQueue[tuple[_T | None, BaseException | None]] = SimpleQueue()

        def run() -> None:
            try:
                answer.put((what(), None))
            except BaseException as fault:  # noqa: BLE001 - raised again where it was called
                answer.put((None, fault))

        thread = Thread(target=copy_context().run, args=(run,), name=f"predictor {name}", daemon=True)
        thread.start()
        try:
            found, fault = answer.get(timeout=self._seconds)
        except Empty:
            self._late[name] = thread
            raise PredictorTimeoutError(
                f"The predictor {name} gave no answer within {self._seconds:g} s. "
                "Fix it, promote another, or raise TIERBOT_PREDICTOR_TIMEOUT_SECONDS."
            ) from None
        if fault is not None:
            raise fault
        return found  # type: ignore[return-value] # it is what `what` returned
