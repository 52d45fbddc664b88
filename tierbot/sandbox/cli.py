"""Parse the sandbox's command line and run it."""

import argparse
import asyncio
import gc
import ipaddress
import json
import secrets
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from tierbot.sandbox.kit.errors import SlackError
from tierbot.sandbox.kit.settings import Settings, SettingsError, Shortcut, Timings, read_manifest
from tierbot.sandbox.sandbox import Sandbox
from tierbot.sandbox.server import serve

_EPILOG = """\
example:
  python -m tierbot.sandbox --port 8765 --user ada:admin --user bob --shortcut "Why this tag?=why_tag"
  then open http://127.0.0.1:8765/ and start the bot with SLACK_API_URL=http://127.0.0.1:8765/api/

Once the sandbox is listening, it prints one JSON line with its addresses and tokens to standard output
(and to --announce-file). docs/sandbox.md describes the control API.
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    defaults = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m tierbot.sandbox",
        description="Run a local Slack workspace: Web API, Socket Mode, simulated colleagues, and a web page.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default=defaults.host, help="address to listen on (default: this machine only)")
    add("--port", type=int, default=defaults.port, help="port; 0 picks a free one (default)")
    add("--public-url", help="base URL in answers, if it differs from host and port")
    add("--bot-token", default=defaults.bot_token, help="the bot's token (default: %(default)s)")
    add("--app-token", default=defaults.app_token, help="the app-level token (default: %(default)s)")
    add("--signing-secret", default=defaults.signing_secret, help="for --request-url (default: %(default)s)")
    add("--control-token", help="protects /control/ and the page; generated if --host isn't loopback")
    add("--team", default=defaults.team, help="the workspace's name (default: %(default)s)")
    add("--another-team", action="append", default=[], metavar="NAME", help="add a team with the same colleagues")
    add("--org", default=defaults.org, metavar="NAME", help="put all teams in this organization (Enterprise Grid)")
    add("--same-ids", action="store_true", help="give all teams the same channel ids, user ids and timestamps")
    add("--client-id", default=defaults.client_id, help="allow installing the app at /oauth/v2/authorize")
    add("--client-secret", default=defaults.client_secret, help="for --client-id (default: %(default)s)")
    add("--redirect-url", action="append", default=[], help="where to send installers back (or set it in the manifest)")
    add("--not-installed", action="store_true", help="start without the app installed in any team")
    add("--channel", default=defaults.channel, help="the channel that everyone joins (default: %(default)s)")
    add("--manifest", type=Path, help="app manifest (JSON): scopes, events, commands, shortcuts, names")
    add("--events", help="comma-separated events the app subscribes to, instead of the defaults")
    add("--shortcut", action="append", default=[], metavar="NAME=CALLBACK_ID", help="add a message shortcut")
    add("--user", action="append", default=[], metavar="NAME[:admin|:guest|:bot][=REAL NAME]", help="add a colleague")
    add("--users", type=Path, help="JSON list of colleagues: [{name, real_name?, admin?, guest?, bot?, tz?}]")
    add("--request-url", help="deliver by signed HTTP to this address instead of Socket Mode")
    add(
        "--ask-on-ack",
        metavar="URL",
        help="POST each event to this URL when the app acknowledges it, and wait for the answer",
    )
    add("--limits", action="store_true", help="enforce Slack's rate limits")
    add("--faults", metavar="JSON", help='faults to inject, e.g. \'{"lost_ack": 0.1, "api_429": 0.05}\'')
    add(
        "--after",
        action="append",
        default=[],
        metavar="'SECONDS CALL [JSON]'",
        help="make a control call at this time, e.g. '30 sockets {\"do\": \"cut\"}', '60 revoke', '90 archive', '95 delete'",
    )
    add("--timings", metavar="JSON", help='seconds, e.g. \'{"ack": 1, "retries": [0, 2, 5]}\'')
    add("--seed", type=int, default=defaults.seed, help="seed for ids and faults (default: %(default)s)")
    add(
        "--end-with-stdin",
        action="store_true",
        help="exit when standard input closes, for example when the process that holds it ends",
    )
    add("--announce-file", type=Path, help="also write the JSON line to this file")
    return parser


def build_sandbox(arguments: argparse.Namespace) -> Sandbox:
    """Return the sandbox that the command line describes."""
    names = "host port public_url bot_token app_token signing_secret team channel request_url limits seed"
    names += " org same_ids client_id client_secret ask_on_ack"
    token = arguments.control_token
    if token is None and not _is_loopback(arguments.host):
        token = secrets.token_urlsafe(16)
    settings = Settings(
        **{name: getattr(arguments, name) for name in names.split()},
        control_token=token,
        installed=not arguments.not_installed,
        redirect_urls=tuple(arguments.redirect_url),
        later=tuple(map(_later, arguments.after)),
    )
    if arguments.manifest:
        settings = settings.with_manifest(read_manifest(arguments.manifest))
    if arguments.events is not None:
        settings = replace(settings, events=frozenset(arguments.events.split(",")))
    if arguments.shortcut:
        settings = replace(settings, shortcuts=settings.shortcuts + tuple(map(_shortcut, arguments.shortcut)))
    if arguments.timings:
        settings = replace(settings, timings=Timings(**_json(arguments.timings, "--timings")))
    box = Sandbox(settings)
    boxes = [box, *(Sandbox(replace(settings, team=name), beside=box) for name in arguments.another_team)]
    if arguments.faults:
        box.faults.change(_json(arguments.faults, "--faults"))
    for traits in (*map(_user, arguments.user), *_users(arguments.users)):
        try:
            for one in boxes:
                one.add_colleague(**traits)
        except SlackError as error:
            raise SettingsError(f"colleague {traits['name']!r}: {error}") from error
    return box


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shortcut(text: str) -> Shortcut:
    name, separator, callback_id = text.partition("=")
    if not separator or not callback_id:
        raise SettingsError(f"--shortcut {text!r}: use NAME=CALLBACK_ID")
    return Shortcut(name, callback_id)


def _later(text: str) -> tuple[float, str, dict[str, Any]]:
    seconds, _, call = text.strip().partition(" ")
    name, _, body = call.strip().partition(" ")
    try:
        moment = float(seconds)
    except ValueError as error:
        raise SettingsError(f"--after {text!r}: use 'SECONDS CALL [JSON]', such as '30 revoke'") from error
    return moment, name, _json(body or "{}", f"--after {text!r}")


def _user(text: str) -> dict[str, Any]:
    handle, _, real_name = text.partition("=")
    name, _, trait = handle.partition(":")
    if trait not in {"", "admin", "guest", "bot"}:
        raise SettingsError(
            f"--user {text!r}: use NAME, NAME:admin, NAME:guest or NAME:bot, then =REAL NAME if it has one"
        )
    user: dict[str, Any] = {"name": name, "real_name": real_name} if real_name else {"name": name}
    return {**user, trait: True} if trait else user


def _users(path: Path | None) -> list[dict[str, Any]]:
    if path is None:
        return []
    users = _json(path.read_text(encoding="utf-8"), str(path))
    if not isinstance(users, list):
        raise SettingsError(f"{path}: expected a JSON list of colleagues")
    return users


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{where}: not valid JSON: {error}") from error


def announce(path: Path | None, line: str) -> None:
    """Print the JSON line and, given a path, also write it there atomically."""
    if path is not None:
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(line + "\n", encoding="utf-8")
        fresh.replace(path)
    print(line, flush=True)  # noqa: T201


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sandbox until it is asked to stop; return the exit code."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        box = build_sandbox(arguments)
        until = sys.stdin.fileno() if arguments.end_with_stdin else None
        gc.freeze()  # a full collection over what is loaded takes 35 ms, in which no event goes out
        asyncio.run(serve(box, partial(announce, arguments.announce_file), until))
    except (SettingsError, OSError, TypeError, ValueError) as error:
        print(f"sandbox: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return 0
