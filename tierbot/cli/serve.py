"""`tierbot web` and `tierbot worker`: the bot in two kinds of process, for HTTP mode and several replicas."""

import logging
import os
from typing import Annotated

import typer

log = logging.getLogger(__name__)

METRICS_PORT = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Port of /metrics, /healthz and /readyz; else TIERBOT_METRICS_PORT."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("web")(web)
    app.command("worker")(worker)


def web(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "0.0.0.0",  # noqa: S104 - a container's port
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; else PORT.")] = None,
    metrics_port: METRICS_PORT = None,
) -> None:
    """Take Slack's requests by HTTP at /slack/events; health checks at /healthz and /readyz. Needs `tierbot worker` too.

    Example: `SLACK_SIGNING_SECRET=… PORT=3000 tierbot web`
    """
    from tierbot.adapters.slack.connection.socket_mode import stop_signals
    from tierbot.app.bootstrap import answer_promptly, build
    from tierbot.app.health import Health
    from tierbot.app.serving import WebServer, identity_of, metrics_of, watched, web_of
    from tierbot.cli.wiring import logging_of, say, warn_of_misspellings
    from tierbot.settings import load_settings

    settings, metrics = load_settings(), metrics_of()
    logging_of(settings, metrics.log_handler())
    warn_of_misspellings()
    bot = build(settings, meter=metrics)
    with stop_signals() as stop:
        health = Health(bot, works=False, stopping=stop.is_set)
        identity = identity_of(bot, stop.wait)
        with watched(bot, health, metrics, metrics_port):
            app = web_of(bot, identity, health, metrics)
            server = WebServer(app, host, settings.port if port is None else port)
            answer_promptly()
            say(settings, f"tierbot web listens on port {server.start()}.")
            stop.wait()
            ended = server.stop()
    bot.close()
    _leave(ended)


def worker(metrics_port: METRICS_PORT = None) -> None:
    """Send the outbox, settle votes, keep the schedule; beside `tierbot web`. Several may run.

    Example: `tierbot worker`
    """
    from tierbot.adapters.slack.connection.socket_mode import stop_signals
    from tierbot.app.bootstrap import build
    from tierbot.app.health import Health
    from tierbot.app.serving import identity_of, metrics_of, watched
    from tierbot.cli.wiring import logging_of, say, warn_of_misspellings
    from tierbot.settings import load_settings
    from tierbot.use_cases.jobs.smoke_test import plan_smoke_test

    settings, metrics = load_settings(), metrics_of()
    logging_of(settings, metrics.log_handler())
    warn_of_misspellings()
    bot = build(settings, meter=metrics)
    with stop_signals() as stop:
        if identity := identity_of(bot, stop.wait):
            plan_smoke_test(bot.store, bot.clock, settings, identity.team_id)
        with watched(bot, Health(bot, works=True, stopping=stop.is_set), metrics, metrics_port):
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
