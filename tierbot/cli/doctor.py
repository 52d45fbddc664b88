"""`tierbot doctor`: is everything as it must be? One line a check: ok, or what to do."""

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from tierbot.cli.output import err, out, print_json
from tierbot.domain.nouns import TierbotError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tierbot.domain.doctor.judge import Check
    from tierbot.domain.doctor.smoke_test import Step
    from tierbot.settings import Settings

_CHECK_MARKS = {"ok": Text("✓", "green"), "bad": Text("✗", "red"), "unknown": Text("?", "dim")}
_STEP_MARKS = {"ok": Text("✓", "green"), "broken": Text("✗", "red"), "not tried": Text("–", "dim")}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    smoke_test: Annotated[
        bool,
        typer.Option(
            "--smoke-test", help="Send a canary the whole way instead: post, react, vote, commands, clean up."
        ),
    ] = False,
    channel: Annotated[str, typer.Option(help="Id of the channel for the canary [TIERBOT_SMOKE_TEST_CHANNEL].")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a check (or step) and line.")] = False,
) -> None:
    """Check tokens, scopes, channel, emoji, clock, database, models, feeds; exit code 1 if anything is not ok.

    `?` marks what could not be told; it is no fault.

    Examples: `tierbot doctor`, and with a bot that runs `tierbot doctor --smoke-test --channel C0123456789`
    """
    from tierbot.logs import log_to_stderr
    from tierbot.settings import SettingsError, load_settings

    try:
        settings = load_settings()
    except SettingsError as fault:
        if smoke_test:
            raise
        from tierbot.domain.doctor.judge import judge_settings

        _finish([judge_settings(str(fault))], as_json=as_json)
        return
    log_to_stderr("ERROR")
    logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)  # what it reports is told below, in better words
    if smoke_test:
        _smoke_test(settings, channel or settings.smoke_test_channel, as_json=as_json)
        return
    from tierbot.app.doctor.checkup import check_up

    _finish(check_up(settings), as_json=as_json)


def _finish(checks: "Sequence[Check]", *, as_json: bool) -> None:
    from tierbot.domain.doctor.judge import is_well

    width = max(len(check.name) for check in checks)
    for check in checks:
        if as_json:
            print_json(asdict(check))
        else:
            says = f"{check.says} {check.remedy}".strip()
            out.print(_CHECK_MARKS[check.state], f"{check.name:<{width}} ", says)
    if not is_well(checks):
        raise typer.Exit(1)


def _smoke_test(settings: "Settings", channel: str, *, as_json: bool) -> None:
    from tierbot.app.doctor.checkup import take_smoke_test
    from tierbot.domain.doctor.smoke_test import broken

    if not channel:
        raise TierbotError(
            "Say in which channel the canary may be posted: --channel C0123456789. Better one for tests than the team's."
        )
    err.print("The canary is on its way …")
    steps = take_smoke_test(settings, channel)
    _show(steps, as_json=as_json)
    if broken(steps):
        raise typer.Exit(1)


def _show(steps: "Sequence[Step]", *, as_json: bool) -> None:
    width = max(len(step.name) for step in steps)
    for step in steps:
        if as_json:
            print_json(asdict(step))
        else:
            took = f"{step.seconds:6.2f} s" if step.outcome != "not tried" else "not tried"
            out.print(_STEP_MARKS[step.outcome], f"{step.name:<{width}}  {took:<9} ", step.says)
