"""What commands share: the settings read, the bot built, the workspace found."""

import logging
from typing import TYPE_CHECKING

from tierbot.cli.output import err

if TYPE_CHECKING:
    from tierbot.app.bootstrap import Tierbot
    from tierbot.settings import Settings

log = logging.getLogger(__name__)


def logging_of(settings: "Settings", *more: logging.Handler) -> None:
    """Send the log to standard error as the settings say, and to `more`; secrets and people's ids are redacted."""
    from tierbot.logs import log_to_stderr
    from tierbot.settings import secrets_of

    log_to_stderr(settings.log_level, as_json=settings.log_format == "json", secrets=secrets_of(settings), more=more)


def warn_of_misspellings() -> None:
    """Log a warning of each name that begins like a setting and is none: it would be ignored without a word."""
    from tierbot.app.doctor.checkup import misspelled_settings

    for sentence in misspelled_settings():
        log.warning(sentence)


def say(settings: "Settings", text: str) -> None:
    """Tell people how a process does, or those who read JSON as a record of its log."""
    if settings.log_format == "json":
        log.info(text)
    else:
        err.print(text)


def offline() -> "tuple[Tierbot, str]":
    """Return the bot as configured, not connected to Slack, and its workspace.

    Raises TierbotError if settings are wrong or there is no database or no workspace yet.
    """
    from tierbot.adapters.store import open_store
    from tierbot.app.bootstrap import build
    from tierbot.settings import load_settings

    settings = load_settings()
    logging_of(settings)
    bot = build(settings, store=open_store(settings.database_url, create=False))
    return bot, bot.only_workspace()
