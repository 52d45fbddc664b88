"""`tierbot web` and `tierbot worker`: the bot as two kinds of process, for HTTP mode and replicas."""

from typing import Annotated

import typer

from tierbot.cli.wiring import leave, say, start

METRICS_PORT = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="Port of /metrics, /healthz and /readyz. [default: TIERBOT_METRICS_PORT]"),
]


def web(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "0.0.0.0",  # noqa: S104 - a container's port
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port. [default: PORT]")] = None,
    metrics_port: METRICS_PORT = None,
) -> None:
    """Receive Slack's requests over HTTP at /slack/events, with health checks at /healthz and /readyz.

    It needs a `tierbot worker` on the same database.

    Example: `SLACK_SIGNING_SECRET=… PORT=3000 tierbot web`
    """
    from tierbot.adapters.http.server import WebServer
    from tierbot.adapters.slack.connection.socket_mode import stop_signals
    from tierbot.app.bot import answer_promptly
    from tierbot.app.health import Health
    from tierbot.app.serving import identity_of, watched, web_of

    bot, metrics = start()
    with stop_signals() as stop:
        health = Health(bot, works=False, stopping=stop.is_set)
        identity = identity_of(bot, stop.wait)
        with watched(bot, health, metrics, metrics_port):
            app = web_of(bot, identity, health, metrics)
            server = WebServer(app, host, bot.settings.port if port is None else port)
            answer_promptly()
            say(bot.settings, f"tierbot web is listening on port {server.start()}.")
            stop.wait()
            ended = server.stop()
    leave(bot, ended=ended)


def worker(metrics_port: METRICS_PORT = None) -> None:
    """Send the outbox, settle votes and run the schedule, alongside `tierbot web`. Several workers may run.

    Example: `tierbot worker`
    """
    from tierbot.adapters.slack.connection.socket_mode import stop_signals
    from tierbot.app.health import Health
    from tierbot.app.serving import identity_of, watched
    from tierbot.use_cases.jobs.smoke_test import plan_smoke_test

    bot, metrics = start()
    with stop_signals() as stop:
        if identity := identity_of(bot, stop.wait):
            plan_smoke_test(bot.store, bot.clock, bot.settings, identity.team_id)
        with watched(bot, Health(bot, works=True, stopping=stop.is_set), metrics, metrics_port):
            bot.start()
            say(bot.settings, "tierbot worker is running. Stop it with Ctrl-C.")
            stop.wait()
            ended = bot.stop()
    leave(bot, ended=ended)
