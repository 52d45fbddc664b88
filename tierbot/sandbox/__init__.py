"""A Slack workspace in a box: a program of its own, so that tests and the demo meet real sockets.

`python -m tierbot.sandbox --help` says how to start it. It imports nothing of the rest of tierbot, and
nothing of tierbot imports it: a bot reaches it only as it reaches Slack, over HTTP and WebSocket.
"""
