"""What commands share: load the settings, build the bot, find the workspace."""

import logging
import os
from typing import TYPE_CHECKING

from tierbot.cli.output import err

if TYPE_CHECKING:
    from tierbot.app.bot import Tierbot
    from tierbot.reports.metrics import Metrics
    from tierbot.settings import Settings

log = logging.getLogger(__name__)


def logging_of(settings: "Settings", *more: logging.Handler) -> None:
    """Log to standard error as the settings say, and to `more`; secrets and user ids are redacted."""
    from tierbot.logs import log_to_stderr
    from tierbot.settings import secrets_of

    log_to_stderr(settings.log_level, as_json=settings.log_format == "json", secrets=secrets_of(settings), more=more)


def say(settings: "Settings", text: str) -> None:
    """Print a process's state on standard error, or log it where logs are JSON."""
    if settings.log_format == "json":
        log.info(text)
    else:
        err.print(text)


def start(*, socket_mode: bool = False) -> "tuple[Tierbot, Metrics]":
    """Return the bot for a long-running process, and its metrics. Warns about misspelled settings.

    Raises TierbotError, before anything is created, if a setting for one workspace is missing or wrong.
    """
    from tierbot.app.bootstrap import build
    from tierbot.app.doctor.checkup import misspelled_settings
    from tierbot.app.serving import metrics_of
    from tierbot.app.slack_access import check_settings
    from tierbot.settings import load_settings

    settings, metrics = load_settings(), metrics_of()
    logging_of(settings, metrics.log_handler())
    for warning in misspelled_settings():
        log.warning(warning)
    if not settings.many_workspaces:
        check_settings(settings, socket_mode=socket_mode)
    return build(settings, meter=metrics), metrics


def leave(bot: "Tierbot", *, ended: bool) -> None:
    """Close the bot, and end the process even if something hangs; that work is done again after the next start."""
    bot.close()
    if not ended:
        log.warning("Some work didn't finish in time; it continues after the next start.")
        logging.shutdown()
        os._exit(0)


def offline() -> "tuple[Tierbot, str]":
    """Return the configured bot, not connected to Slack, and its workspace.

    Raises TierbotError if the settings are wrong or if there is no database or workspace yet.
    """
    from tierbot.adapters.store import open_store
    from tierbot.app.bootstrap import build
    from tierbot.settings import load_settings

    settings = load_settings()
    logging_of(settings)
    bot = build(settings, store=open_store(settings.database_url, create=False))
    return bot, bot.only_workspace()
