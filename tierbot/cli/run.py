"""`tierbot run`: the bot, connected to Slack until it is told to stop."""

import json
import logging
import os
from typing import Annotated

import typer

from tierbot.cli.output import out
from tierbot.cli.serve import METRICS_PORT

log = logging.getLogger(__name__)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run")(run)
    app.command("manifest")(manifest)


def run(metrics_port: METRICS_PORT = None) -> None:
    """Run the bot: Socket Mode, the schedule, the outbox. Stops in order on Ctrl-C or SIGTERM.

    Example: `SLACK_BOT_TOKEN=xoxb-… SLACK_APP_TOKEN=xapp-… TIERBOT_CHANNEL=C… tierbot run`
    """
    from tierbot.adapters.slack.connection.socket_mode import stop_signals
    from tierbot.app.bootstrap import build, connect
    from tierbot.app.health import Health
    from tierbot.app.serving import metrics_of, watched
    from tierbot.cli.wiring import logging_of, say, warn_of_misspellings
    from tierbot.settings import load_settings

    settings, metrics = load_settings(), metrics_of()
    logging_of(settings, metrics.log_handler())
    warn_of_misspellings()
    bot = build(settings, meter=metrics)
    with stop_signals() as stop:
        runner = connect(bot, stop.wait)
        health = Health(bot, works=True, runner=runner, stopping=stop.is_set)
        with watched(bot, health, metrics, metrics_port, runner):
            runner.start()
            bot.start()
            say(settings, f"tierbot is running in {settings.channel}. Stop it with Ctrl-C.")
            stop.wait()
            log.info("Stopping: what was begun is finished first.")
            ended = all([runner.stop(grace=4), bot.stop()])
    bot.close()
    if not ended:
        # A listener that hangs would keep the interpreter from ending; its event is delivered again.
        log.warning("Something would not end in time and was left.")
        logging.shutdown()
        os._exit(0)


def manifest(
    name: Annotated[str, typer.Option(help="The app's name in Slack.")] = "tierbot",
    url: Annotated[str, typer.Option(help="Where `tierbot web` is reached, for many workspaces.")] = "",
    smoke_test: Annotated[
        bool, typer.Option(help="Ask for a user token too, for `tierbot doctor --smoke-test`.")
    ] = False,
) -> None:
    """Print the Slack app's manifest, to paste at api.slack.com/apps → Create New App → From a manifest.

    Example: `tierbot manifest > manifest.json`
    """
    from tierbot.adapters.slack.manifest import manifest as slack_manifest

    out.print_json(json.dumps(slack_manifest(name, public_url=url or None, smoke_test=smoke_test)))
