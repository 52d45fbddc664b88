"""`tierbot init`: from nothing to a bot that can be started, one question at a time."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tierbot.cli.envfile import HEADER, read_text, values_of, with_values, write_private
from tierbot.cli.output import counted, err, out
from tierbot.domain.nouns import TierbotError

if TYPE_CHECKING:
    from tierbot.app.init_interview import Answer, Interview

_SLACK = "https://slack.com/api/"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(init)


def init(
    bot_token: Annotated[str, typer.Option(envvar="SLACK_BOT_TOKEN", help="Bot token (xoxb-…).")] = "",
    app_token: Annotated[str, typer.Option(envvar="SLACK_APP_TOKEN", help="App-level token (xapp-…).")] = "",
    channel: Annotated[str, typer.Option(envvar="TIERBOT_CHANNEL", help="Channel: id, link or #name.")] = "",
    admins: Annotated[str | None, typer.Option(envvar="TIERBOT_ADMINS", help="User ids, with commas.")] = None,
    timezone: Annotated[str, typer.Option(envvar="TIERBOT_TIMEZONE", help="Such as Europe/Berlin.")] = "",
    name: Annotated[str, typer.Option(help="The app's name in Slack.")] = "tierbot",
    smoke_test: Annotated[
        bool, typer.Option(help="Let the manifest ask for a user token, for `doctor --smoke-test`.")
    ] = False,
    env_file: Annotated[Path, typer.Option(help="Where the settings go.")] = Path(".env"),
    manifest_file: Annotated[Path, typer.Option("--manifest", help="Where the manifest goes.")] = Path("manifest.json"),
    api_url: Annotated[str, typer.Option(envvar="SLACK_API_URL", help="Base URL of Slack's API.")] = "",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: use the options, replace what was there.")
    ] = False,
    offline: Annotated[bool, typer.Option(help="Do not ask Slack whether the answers are right.")] = False,
) -> None:
    """Write the Slack app's manifest and `.env`: asks for tokens, channel, admins, time zone; checks each at once.

    Tokens are typed hidden; for scripts set SLACK_BOT_TOKEN and SLACK_APP_TOKEN, as arguments can be seen by others.

    Examples: `tierbot init`, and for scripts `tierbot init --yes --channel C0123456789`
    """
    from tierbot.adapters.slack.manifest import manifest
    from tierbot.app.bootstrap import SystemClock
    from tierbot.app.doctor.checkup import needed
    from tierbot.app.init_interview import Interview

    logging.getLogger("slack_sdk").setLevel(logging.CRITICAL)  # what it reports is told in better words
    text = read_text(env_file)
    before = values_of(text)
    declared = json.dumps(manifest(name, smoke_test=smoke_test), indent=2, ensure_ascii=False) + "\n"
    _write_manifest(manifest_file, declared, yes=yes)
    base_url = api_url or before.get("SLACK_API_URL") or _SLACK
    talk = _Talk(Interview(base_url, SystemClock(), needed(), offline=offline), name, yes=yes)
    found = {
        "SLACK_BOT_TOKEN": talk.bot_token(manifest_file, bot_token or before.get("SLACK_BOT_TOKEN", "")),
        "SLACK_APP_TOKEN": talk.app_token(app_token or before.get("SLACK_APP_TOKEN", "")),
        "TIERBOT_CHANNEL": talk.channel(channel or before.get("TIERBOT_CHANNEL", "")),
        "TIERBOT_ADMINS": talk.admins(before.get("TIERBOT_ADMINS", "") if admins is None else admins),
    }
    found["TIERBOT_TIMEZONE"] = talk.timezone(
        timezone or before.get("TIERBOT_TIMEZONE") or talk.interview.timezone_of(found["TIERBOT_ADMINS"])
    )
    if base_url != _SLACK and api_url:
        found["SLACK_API_URL"] = base_url
    _write_env(env_file, text, before, found, yes=yes)
    out.print("\nNext: `tierbot doctor` checks everything, `tierbot run` starts the bot.")


class _Talk:
    """Asks, shows what was found out about each answer, and asks again until it is good."""

    def __init__(self, interview: "Interview", name: str, *, yes: bool) -> None:
        self.interview = interview
        self._name = name
        self._yes = yes

    def bot_token(self, manifest_file: Path, known: str) -> str:
        _say(
            f"\n1. At https://api.slack.com/apps choose Create New App → From a manifest, and paste {manifest_file}\n"
            "   (tab JSON, all of it). If Slack refuses it, it says where: mend that place, or tell us.\n"
            "2. Install App → Install to Workspace. Copy the Bot User OAuth Token from OAuth & Permissions."
        )
        return self._ask("Bot token (xoxb-…)", known, self.interview.bot_token, option="SLACK_BOT_TOKEN", hidden=True)

    def app_token(self, known: str) -> str:
        _say("\n3. Basic Information → App-Level Tokens → Generate, with the scope connections:write. Copy it.")
        return self._ask("App token (xapp-…)", known, self.interview.app_token, option="SLACK_APP_TOKEN", hidden=True)

    def channel(self, known: str) -> str:
        _say(f"\n4. In Slack, in the channel to post in: /invite @{self._name}")
        return self._ask("Channel (id, link or #name)", known, self.interview.channel, option="--channel")

    def admins(self, known: str) -> str:
        _say("\n5. Who may use /tier? Their user ids, or “none”: then Slack's own admins and owners.")
        return self._ask("Admins", known, self.interview.admins, option="--admins", required=False)

    def timezone(self, known: str) -> str:
        _say("\n6. In which time zone are quiet hours and streaks?")
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
        """Return a good answer. What is `known` is taken with Enter, and with --yes without asking.

        Raises TierbotError if nobody may be asked and there is no good answer.
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
            known = said if required else known  # Enter checks it again, once it is mended in Slack


def _prompt(question: str, known: str, *, hidden: bool, required: bool) -> str:
    shown = f"{question} [Enter: as before]" if hidden and known else question
    default = known if known or not required else None
    return str(
        typer.prompt(shown, default=default, hide_input=hidden, show_default=bool(known) and not hidden, err=True)
    )


def _tell(answer: "Answer") -> None:
    for check in answer.checks:
        mark = {"ok": "✓", "bad": "✗", "unknown": "?"}[check.state]
        err.print(f"   {mark} {check.name}: {check.says} {check.remedy}".rstrip())


def _say(text: str) -> None:
    err.print(text)


def _write_manifest(path: Path, text: str, *, yes: bool) -> None:
    there = read_text(path)
    if there and there != text and not yes and not typer.confirm(f"{path} is there and differs. Replace it?", err=True):
        _say(f"{path} was left as it is.")
        return
    if there != text:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as fault:
            raise TierbotError(f"{path} cannot be written ({fault.strerror}). Run this where it can.") from fault
    _say(f"{path}: the Slack app's manifest, made from what the code needs.")


def _write_env(path: Path, text: str, before: dict[str, str], found: dict[str, str], *, yes: bool) -> None:
    """Put what was found into the file; what says otherwise there is replaced only if that is wanted."""
    wanted = {key: value for key, value in found.items() if before.get(key, "") != value}
    for key in [key for key in wanted if before.get(key) and not yes]:
        if not typer.confirm(f"{path} has another {key}. Replace it?", err=True):
            del wanted[key]
    write_private(path, with_values(text or HEADER, wanted))
    kept = len(before.keys() - wanted.keys())
    _say(
        f"\n{path}: {counted(len(wanted), 'setting')} written"
        + (f", {kept} kept." if kept else ".")
        + " Only you can read it."
    )
