"""What Bolt itself takes: a Socket Mode app with one listener that only acknowledges. See test_load.py."""

import os
import threading

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient


def main() -> None:
    url = os.environ["SLACK_API_URL"]
    identity = AuthorizeResult(enterprise_id=None, team_id=None, bot_user_id="UBOT", bot_token="xoxb-bare")
    app = App(client=WebClient(base_url=url), authorize=lambda **_: identity, request_verification_enabled=False)
    for kind in ("reaction_added", "reaction_removed"):
        app.event(kind)(lambda: None)
    client = WebClient(base_url=url)
    SocketModeHandler(app, os.environ["SLACK_APP_TOKEN"], web_client=client, concurrency=16).connect()
    threading.Event().wait()


if __name__ == "__main__":
    main()
