"""A local Slack workspace that runs as its own program, so that tests and the demo use real sockets.

`python -m tierbot.sandbox --help` shows how to start it. It shares no code with the bot: a bot reaches it only the way
it reaches Slack, over HTTP and WebSocket.
"""
