"""Slack: the only package that imports Slack's libraries and knows its payloads.

`messages.chat.SlackChat` writes; `app.build_app` builds the Bolt app that reads; `connection.socket_mode.SocketRunner`
keeps it connected; `manifest.manifest` declares the permissions that the app needs.
"""
