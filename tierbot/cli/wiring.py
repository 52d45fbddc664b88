"""What commands share: the settings read, the bot built, the workspace found."""

import logging

from tierbot.bootstrap import Tierbot, build
from tierbot.settings import load_settings


def logging_to_stderr(level: str) -> None:
    """Send the log to standard error, tokens redacted."""
    from tierbot.edges.slack.redaction import TokenFilter

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(TokenFilter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for talkative in ("alembic", "apscheduler", "httpx", "sentence_transformers"):
        logging.getLogger(talkative).setLevel(logging.WARNING)


def offline() -> tuple[Tierbot, str]:
    """Return the bot as configured, not connected to Slack, and its workspace.

    Raises TierbotError if settings are wrong or there is no workspace yet.
    """
    settings = load_settings()
    logging_to_stderr(settings.log_level)
    bot = build(settings)
    return bot, bot.only_workspace()
