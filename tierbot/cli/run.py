"""`tierbot run`: the bot in one process, connected to Slack by Socket Mode until it is stopped."""

import logging
from typing import Annotated

import typer

from tierbot.cli.output import out, print_json
from tierbot.cli.serve import METRICS_PORT
from tierbot.cli.wiring import leave, say, start

log = logging.getLogger(__name__)


def run(metrics_port: METRICS_PORT = None) -> None:
    """Run the bot: Socket Mode, schedule and outbox. Ctrl-C or SIGTERM stops it cleanly.

    Example: `SLACK_BOT_TOKEN=xoxb-… SLACK_APP_TOKEN=xapp-… TIERBOT_CHANNEL=C… tierbot run`
    """
    from tierbot.adapters.slack.connection.socket_mode import stop_signals
    from tierbot.app.bootstrap import connect
    from tierbot.app.bot import answer_promptly
    from tierbot.app.health import Health
    from tierbot.app.serving import watched

    bot, metrics = start(socket_mode=True)
    with stop_signals() as stop:
        runner = connect(bot, stop.wait)
        health = Health(bot, works=True, runner=runner, stopping=stop.is_set)
        with watched(bot, health, metrics, metrics_port, runner):
            answer_promptly()  # collecting garbage takes a quarter of a second, in which no event could be acknowledged
            runner.start()
            bot.start()
            say(bot.settings, f"tierbot is running in {bot.settings.channel}. Stop it with Ctrl-C.")
            stop.wait()
            log.info("Stopping once the current work is finished.")
            ended = all([runner.stop(grace=4), bot.stop()])
    leave(bot, ended=ended)


def manifest(
    name: Annotated[str, typer.Option(help="The app's name in Slack.")] = "tierbot",
    url: Annotated[str, typer.Option(help="Public address of `tierbot web`, for many workspaces.")] = "",
    smoke_test: Annotated[
        bool, typer.Option(help="Also request a user token, for `tierbot doctor --smoke-test`.")
    ] = False,
    link: Annotated[
        bool, typer.Option("--link", help="Print a link that opens Slack with the manifest filled in.")
    ] = False,
) -> None:
    """Print the Slack app's manifest, to paste at api.slack.com/apps → Create New App → From a manifest.

    With --link, print the link that does this for you.

    Examples: `tierbot manifest > manifest.json` and `tierbot manifest --link`
    """
    from tierbot.adapters.slack.manifest import link as link_to
    from tierbot.adapters.slack.manifest import manifest as slack_manifest

    declared = slack_manifest(name, public_url=url or None, smoke_test=smoke_test)
    if link:
        out.print(link_to(declared))
        return
    print_json(declared, indent=2)
