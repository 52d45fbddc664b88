"""What Bolt itself takes: an app with one listener that only acknowledges. See test_load.py.

python -m tests.benchmarks.bare_listener          by Socket Mode
python -m tests.benchmarks.bare_listener --http   by signed HTTP, with Bolt's own adapter
"""

import os
import sys
import threading
from typing import Any

from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient


def main() -> None:
    url, by_http = os.environ["SLACK_API_URL"], "--http" in sys.argv
    identity = AuthorizeResult(enterprise_id=None, team_id=None, bot_user_id="UBOT", bot_token="xoxb-bare")
    app = App(
        client=WebClient(base_url=url),
        authorize=lambda **_: identity,
        signing_secret=os.environ["SLACK_SIGNING_SECRET"],
        request_verification_enabled=by_http,
    )
    for kind in ("reaction_added", "reaction_removed"):
        app.event(kind)(lambda: None)
    if by_http:
        serve(app)
        return
    from slack_bolt.adapter.socket_mode import SocketModeHandler

    client = WebClient(base_url=url)
    SocketModeHandler(app, os.environ["SLACK_APP_TOKEN"], web_client=client, concurrency=16).connect()
    threading.Event().wait()


def serve(app: App) -> None:
    """Listen on a free port, and say which."""
    import uvicorn
    from slack_bolt.adapter.starlette import SlackRequestHandler
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.routing import Route

    handler = SlackRequestHandler(app)

    async def events(request: Request) -> Any:
        return await handler.handle(request)

    web = Starlette(routes=[Route("/slack/events", events, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(web, port=0, log_level="warning", access_log=False, lifespan="off"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        threading.Event().wait(0.01)
    print(f"listening on port {server.servers[0].sockets[0].getsockname()[1]}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
