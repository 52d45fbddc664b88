"""`tierbot web` and `tierbot worker`: the bot in two kinds of process, for HTTP mode and several replicas."""

import logging
import os
from typing import Annotated

import typer

log = logging.getLogger(__name__)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("web")(web)
    app.command("worker")(worker)


def web(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "0.0.0.0",  # noqa: S104 - a container's port
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; else PORT.")] = None,
) -> None:
    """Take Slack's requests by HTTP at /slack/events; health checks at /healthz and /readyz. Needs `tierbot worker` too.

    Example: `SLACK_SIGNING_SECRET=… PORT=3000 tierbot web`
    """
    from tierbot.bootstrap import build
    from tierbot.cli.wiring import logging_of, say
    from tierbot.edges.slack.socket_mode import stop_signals
    from tierbot.serving import WebServer, identity_of, web_of
    from tierbot.settings import load_settings

    settings = load_settings()
    logging_of(settings)
    bot = build(settings)
    with stop_signals() as stop:
        server = WebServer(
            web_of(bot, identity_of(bot, stop.wait), stop.is_set), host, settings.port if port is None else port
        )
        say(settings, f"tierbot web listens on port {server.start()}.")
        stop.wait()
        ended = server.stop()
    bot.close()
    _leave(ended)


def worker() -> None:
    """Send the outbox, settle votes, keep the schedule; beside `tierbot web`. Several may run.

    Example: `tierbot worker`
    """
    from tierbot.bootstrap import build
    from tierbot.cli.wiring import logging_of, say
    from tierbot.edges.slack.socket_mode import stop_signals
    from tierbot.serving import identity_of
    from tierbot.settings import load_settings

    settings = load_settings()
    logging_of(settings)
    bot = build(settings)
    with stop_signals() as stop:
        identity_of(bot, stop.wait)
        bot.start()
        say(settings, "tierbot worker is running. Stop it with Ctrl-C.")
        stop.wait()
        ended = bot.stop()
    bot.close()
    _leave(ended)


def _leave(ended: bool) -> None:
    if not ended:  # what hangs would keep the interpreter from ending; its work is done again
        log.warning("Something would not end in time and was left.")
        logging.shutdown()
        os._exit(0)
