"""The process types. `tierbot run` does everything in one process; `web` and `worker` scale separately.

web      records Slack's requests, received by HTTP; run as many as needed
worker   sends the outbox, settles votes, runs the schedule; of several, one runs the schedule
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from tierbot.adapters.files.configuration import load_boundaries, load_feeds
from tierbot.adapters.http.routes import metrics_routes, probe_routes, report_routes
from tierbot.adapters.slack.connection.socket_mode import SocketRunner
from tierbot.adapters.slack.identity import Identity
from tierbot.app.bootstrap import app_of, prepare_only_workspace
from tierbot.app.bot import Tierbot
from tierbot.app.health import Health
from tierbot.domain.nouns import TierbotError
from tierbot.reports.metrics import Metrics, ProcessFigures, StoreFigures
from tierbot.settings import secret_of
from tierbot.use_cases.game.setup import bring_up_to_date
from tierbot.use_cases.jobs.duplicate_requests import first_time

log = logging.getLogger(__name__)
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def identity_of(bot: Tierbot, pause: Callable[[float], Any] = time.sleep) -> Identity | None:
    """Ask Slack who the bot is, and set up its workspace. With many workspaces, bring them up to date and return None.

    Raises TierbotError if a setting that this needs is missing or wrong.
    """
    if bot.settings.many_workspaces:
        _prepare_installed(bot)
        return None
    return prepare_only_workspace(bot, pause)


def _prepare_installed(bot: Tierbot) -> None:
    load_boundaries(bot.settings.boundaries, bot.tags)
    load_feeds(bot.settings.feeds)
    sealed, faults = bot.installations().reseal()
    for fault in faults:
        log.error("%s", fault)
    if faults and not sealed:
        raise TierbotError(faults[0])
    bring_up_to_date(bot.store, bot.clock)


def web_of(bot: Tierbot, identity: Identity | None, health: Health, metrics: Metrics) -> Any:
    """Return the ASGI application for one workspace, or (without an identity) for many, with the install pages.

    Metrics and the report need a token, because this port is public. Raises TierbotError if
    SLACK_SIGNING_SECRET is missing.
    """
    from tierbot.adapters.slack.connection.web import web_app  # noqa: PLC0415
    from tierbot.adapters.slack.installation.pages import install_routes  # noqa: PLC0415 - only HTTP mode needs starlette

    secret, token = secret_of(bot.settings.slack_signing_secret), secret_of(bot.settings.web_token)
    if not secret:
        raise TierbotError("SLACK_SIGNING_SECRET must be set: Basic Information → App Credentials.")

    app = app_of(bot, identity)
    figures = metrics_routes(metrics.text, token) if token else ()
    more = (*install_routes(app), *_report(bot), *probe_routes(health.dead, health.unready), *figures)
    return web_app(app, secret, bot.clock, more, bot.meter, partial(first_time, bot.store, bot.clock))


def _report(bot: Tierbot) -> tuple[Any, ...]:
    """Return the routes of the report; without a token that protects it there are none."""
    from tierbot.reports.page.gather import report_of  # noqa: PLC0415
    from tierbot.reports.page.render import content_security_policy, report_page  # noqa: PLC0415

    def page(workspace: str | None) -> str:
        wanted = workspace or bot.only_workspace()
        return report_page(report_of(bot.store, wanted, now=bot.clock.now(), zone=bot.settings.zone))

    token = secret_of(bot.settings.web_token)
    return report_routes(token, page, content_security_policy()) if token else ()


def metrics_of() -> Metrics:
    """Return this process's metrics, in their own registry."""
    return Metrics(CollectorRegistry())


@contextmanager
def watched(
    bot: Tierbot, health: Health, metrics: Metrics, port: int | None, runner: SocketRunner | None = None
) -> Iterator[int | None]:
    """Serve a process's metrics and health on a separate port during the block; yield the port.

    port: None means TIERBOT_METRICS_PORT; if that is unset, nothing is served. Raises TierbotError if the port is not
    available, or if other machines could read the metrics without a token.
    """
    settings = bot.settings
    port = settings.metrics_port if port is None else port
    token = secret_of(settings.web_token)
    metrics.registry.register(StoreFigures(bot.store, bot.clock))
    connection = (lambda: (runner.connected, runner.connections)) if runner else None
    metrics.registry.register(ProcessFigures(connection=connection, leads=lambda: bot.scheduler.leads))
    if port is None:
        yield None
        return
    if not token and settings.metrics_host not in _THIS_MACHINE:
        raise TierbotError(
            f"TIERBOT_METRICS_HOST is {settings.metrics_host}, which others can reach: set TIERBOT_WEB_TOKEN, too."
        )
    from tierbot.adapters.http.server import WebServer  # noqa: PLC0415 - only where HTTP is served

    routes = [*probe_routes(health.dead, health.unready), *metrics_routes(metrics.text, token or None)]
    server = WebServer(Starlette(routes=routes), settings.metrics_host, port, "TIERBOT_METRICS_PORT")
    try:
        port = server.start()
        log.info("Serving metrics and health checks on port %d.", port)
        yield port
    finally:
        server.stop(grace=2)
