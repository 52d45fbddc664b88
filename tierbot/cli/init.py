"""`tierbot init`: set up a bot, one question at a time."""

import getpass
import json
import logging
import warnings
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tierbot.cli.envfile import HEADER, read_text, values_of, with_values, write_private
from tierbot.cli.output import AsJson, counted, err, tell
from tierbot.domain.nouns import TierbotError

if TYPE_CHECKING:
    from tierbot.app.init_interview import Answer, Interview

_SLACK = "https://slack.com/api/"


def init(
    bot_token: Annotated[str, typer.Option(envvar="SLACK_BOT_TOKEN", help="Bot token (xoxb-…).")] = "",
    app_token: Annotated[str, typer.Option(envvar="SLACK_APP_TOKEN", help="App-level token (xapp-…).")] = "",
    channel: Annotated[str, typer.Option(envvar="TIERBOT_CHANNEL", help="Channel: id, link or #name.")] = "",
    admins: Annotated[str | None, typer.Option(envvar="TIERBOT_ADMINS", help="User ids, separated by commas.")] = None,
    timezone: Annotated[str, typer.Option(envvar="TIERBOT_TIMEZONE", help="For example Europe/Berlin.")] = "",
    name: Annotated[str, typer.Option(help="The app's name in Slack.")] = "tierbot",
    smoke_test: Annotated[
        bool, typer.Option(help="Request a user token in the manifest, for `doctor --smoke-test`.")
    ] = False,
    env_file: Annotated[
        Path | None, typer.Option(help="File for the settings; pass it to the other commands, too. [default: .env]")
    ] = None,
    manifest_file: Annotated[Path, typer.Option("--manifest", help="File for the manifest.")] = Path("manifest.json"),
    api_url: Annotated[str, typer.Option(envvar="SLACK_API_URL", help="Base URL of Slack's API.")] = "",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Don't ask: use the options and replace existing values.")
    ] = False,
    offline: Annotated[bool, typer.Option(help="Don't check the answers with Slack.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the Slack app's manifest and `.env`: ask for tokens, channel, admins and time zone, and check each answer.

    Tokens aren't shown as you type. In scripts, set SLACK_BOT_TOKEN and SLACK_APP_TOKEN: other users of the machine can
    read command-line arguments.

    Examples: `tierbot init`, and for scripts `tierbot init --yes --channel C0123456789`
    """
    from tierbot.adapters.slack.manifest import link, manifest
    from tierbot.app.bot import SystemClock
    from tierbot.app.doctor.checkup import needed
    from tierbot.app.init_interview import Interview
    from tierbot.settings import env_file_in_use

    logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)  # the interview reports its errors in plainer words
    env_file = env_file or env_file_in_use()
    text = read_text(env_file)
    before = values_of(text)
    declared = manifest(name, smoke_test=smoke_test)
    _write_manifest(manifest_file, json.dumps(declared, indent=2, ensure_ascii=False) + "\n", yes=yes)
    base_url = api_url or before.get("SLACK_API_URL") or _SLACK
    talk = _Dialog(Interview(base_url, SystemClock(), needed(), offline=offline), name, yes=yes)
    found = {
        "SLACK_BOT_TOKEN": talk.bot_token(
            link(declared), manifest_file, bot_token or before.get("SLACK_BOT_TOKEN", "")
        ),
        "SLACK_APP_TOKEN": talk.app_token(app_token or before.get("SLACK_APP_TOKEN", "")),
        "TIERBOT_CHANNEL": talk.channel(channel or before.get("TIERBOT_CHANNEL", "")),
        "TIERBOT_ADMINS": talk.admins(before.get("TIERBOT_ADMINS", "") if admins is None else admins),
    }
    found["TIERBOT_TIMEZONE"] = talk.timezone(
        timezone or before.get("TIERBOT_TIMEZONE") or talk.interview.timezone_of(found["TIERBOT_ADMINS"])
    )
    if base_url != _SLACK and api_url:
        found["SLACK_API_URL"] = base_url
    changed = _write_env(env_file, text, before, found, yes=yes)
    option = "" if env_file == Path(".env") else f" --env-file {env_file}"
    tell(
        f"\nNext: `tierbot{option} doctor` checks everything, `tierbot{option} run` starts the bot.",
        {"env_file": str(env_file), "manifest": str(manifest_file), "written": sorted(changed)},
        as_json=as_json,
    )


class _Dialog:
    """Asks each question, shows the checks of the answer, and repeats until it is valid."""

    def __init__(self, interview: "Interview", name: str, *, yes: bool) -> None:
        self.interview = interview
        self._name = name
        self._yes = yes

    def bot_token(self, link: str, manifest_file: Path, known: str) -> str:
        err.print(
            f"\n1. Open this link, which has everything filled in, and choose your workspace:\n\n{link}\n\n"
            "   Or, at https://api.slack.com/apps, choose Create New App → From a manifest, and paste all of\n"
            f"   {manifest_file} (tab JSON). If Slack refuses it, fix the line it names, or open an issue.\n"
            "2. Install App → Install to Workspace. Copy the Bot User OAuth Token from OAuth & Permissions."
        )
        return self._ask("Bot token (xoxb-…)", known, self.interview.bot_token, option="SLACK_BOT_TOKEN", hidden=True)

    def app_token(self, known: str) -> str:
        err.print("\n3. Basic Information → App-Level Tokens → Generate, with the scope connections:write. Copy it.")
        return self._ask("App token (xapp-…)", known, self.interview.app_token, option="SLACK_APP_TOKEN", hidden=True)

    def channel(self, known: str) -> str:
        err.print(f"\n4. In Slack, in the channel to post in: /invite @{self._name}")
        return self._ask("Channel (id, link or #name)", known, self.interview.channel, option="--channel")

    def admins(self, known: str) -> str:
        err.print("\n5. Who may use /tier? Give their user ids, or “none” for Slack's own admins and owners.")
        return self._ask("Admins", known, self.interview.admins, option="--admins", required=False)

    def timezone(self, known: str) -> str:
        err.print("\n6. Which time zone do quiet hours and streaks follow?")
        return self._ask("Time zone", known, self.interview.timezone, option="--timezone")

    def _ask(
        self,
        question: str,
        known: str,
        check: "Callable[[str], Answer]",
        *,
        option: str,
        hidden: bool = False,
        required: bool = True,
    ) -> str:
        """Return a valid answer. Enter accepts `known`; --yes accepts it without asking.

        Raises TierbotError if --yes is set and `known` is missing or invalid.
        """
        if self._yes and required and not known:
            raise TierbotError(f"{question} is missing. Give it as {option}, or run without --yes.")
        while True:
            said = known if self._yes else _prompt(question, known, hidden=hidden, required=required)
            answer = check(said)
            if self._yes and not answer.is_good:
                faults = " ".join(f"{c.says} {c.remedy}".strip() for c in answer.checks if c.state == "bad")
                raise TierbotError(f"{question}: {faults}")
            _tell(answer)
            if answer.is_good:
                return answer.value
            known = known if known != said else ""  # Enter mustn't give again what was refused


def _prompt(question: str, known: str, *, hidden: bool, required: bool) -> str:
    shown = f"{question} [Enter: keep the current one]" if hidden and known else question
    default = known if known or not required else None
    with warnings.catch_warnings(action="ignore", category=getpass.GetPassWarning):  # answers from a file or a pipe
        return str(
            typer.prompt(shown, default=default, hide_input=hidden, show_default=bool(known) and not hidden, err=True)
        )


def _tell(answer: "Answer") -> None:
    for check in answer.checks:
        mark = {"ok": "✓", "bad": "✗", "unknown": "?"}[check.state]
        err.print(f"   {mark} {check.name}: {check.says} {check.remedy}".rstrip())


def _write_manifest(path: Path, text: str, *, yes: bool) -> None:
    there = read_text(path)
    question = f"{path} exists and is different. Replace it?"
    if there and there != text and not yes and not typer.confirm(question, err=True):
        err.print(f"{path} is unchanged.")
        return
    if there != text:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as fault:
            raise TierbotError(
                f"{path} cannot be written ({fault.strerror}). Run this in a writable folder."
            ) from fault
    err.print(f"{path}: the Slack app's manifest.")


def _write_env(path: Path, text: str, before: dict[str, str], found: dict[str, str], *, yes: bool) -> Collection[str]:
    """Write the settings to the file and return their names; ask before replacing an existing value, unless `yes`."""
    changed = {key: value for key, value in found.items() if before.get(key, "") != value}
    for key in [key for key in changed if before.get(key) and not yes]:
        if not typer.confirm(f"{path} has a different {key}. Replace it?", err=True):
            del changed[key]
    write_private(path, with_values(text or HEADER, changed))
    kept = len(before.keys() - changed.keys())
    err.print(
        f"\n{path}: {counted(len(changed), 'setting')} written{f', {kept} kept' if kept else ''}. Only you can read it."
    )
    return changed
