"""How background work logs a failure: a traceback helps only with errors that are ours."""

import logging

from tierbot.domain.nouns import TierbotError


def log_fault(log: logging.Logger, fault: BaseException, what: str) -> None:
    """Log that `what` failed: in one line if the error's text is for people, otherwise with its traceback."""
    if isinstance(fault, TierbotError):
        log.warning("%s %s", what, fault)
    else:
        log.error("%s", what, exc_info=fault)
