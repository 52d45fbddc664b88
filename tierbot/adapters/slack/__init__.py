"""Slack: the only folder that knows its packages, its payloads and its manners.

`chat.SlackChat` is the port that writes; `app.build_app` is the Bolt app that reads; `socket.SocketRunner`
keeps it connected; `manifest.manifest` says what the app must be allowed to do.
"""
