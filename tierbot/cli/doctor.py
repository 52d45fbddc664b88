"""`tierbot doctor`: check the setup; each check prints one line, with a remedy if it fails."""

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from tierbot.cli.output import JsonLines, err, out, print_json
from tierbot.domain.nouns import TierbotError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tierbot.domain.doctor.judge import Check
    from tierbot.settings import Settings

_CHECK_MARKS = {"ok": Text("✓", "green"), "bad": Text("✗", "red"), "unknown": Text("?", "dim")}
_STEP_MARKS = {"ok": Text("✓", "green"), "broken": Text("✗", "red"), "not tried": Text("–", "dim")}


def doctor(
    smoke_test: Annotated[
        bool, typer.Option("--smoke-test", help="Run a smoke test instead: post, react, vote, commands, clean up.")
    ] = False,
    channel: Annotated[
        str, typer.Option(help="Id of the smoke test's channel. [default: TIERBOT_SMOKE_TEST_CHANNEL]")
    ] = "",
    as_json: JsonLines = False,
) -> None:
    """Check tokens, scopes, channel, emoji, clock, database, models and feeds; exit with 1 if any check fails.

    `?` marks a check that couldn't run; it doesn't count as a failure.

    Examples: `tierbot doctor`, and while the bot runs `tierbot doctor --smoke-test --channel C0123456789`
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
    logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)  # the checks report its errors in plainer words
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
            "The smoke test needs a channel: --channel C0123456789. Choose one for tests rather than your team's."
        )
    err.print("Running the smoke test …")
    steps = take_smoke_test(settings, channel)
    width = max(len(step.name) for step in steps)
    for step in steps:
        if as_json:
            print_json(asdict(step))
        else:
            took = f"{step.seconds:6.2f} s" if step.outcome != "not tried" else "not tried"
            out.print(_STEP_MARKS[step.outcome], f"{step.name:<{width}}  {took:<9} ", step.says)
    if broken(steps):
        raise typer.Exit(1)
