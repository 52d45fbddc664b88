"""Recognizes the kind of a secret: Slack has five, people paste the wrong one, and it helps to say which it is."""

import re

BOT, APP, USER = "xoxb-", "xapp-", "xoxp-"

_KINDS = (
    (r"xoxb-", "a bot token (xoxb-…)"),
    (r"xapp-", "an app-level token (xapp-…)"),
    (r"xoxe[.-]", "a configuration or refresh token (xoxe…)"),
    (r"xoxp-", "a user token (xoxp-…)"),
    (r"xox[acdsr]-", "a token of Slack's own apps"),
    (r"[0-9a-f]{32}$", "a signing or client secret (32 hexadecimal digits)"),
    (r"\d+\.\d+$", "a client id"),
    (r"https?://", "a URL"),
)
_WHERE = {
    BOT: "the bot token (xoxb-…), at api.slack.com/apps → your app → OAuth & Permissions → Bot User OAuth Token",
    APP: "the app-level token (xapp-…), at api.slack.com/apps → your app → Basic Information → App-Level Tokens "
    "(generate one with the scope connections:write)",
    USER: "a user token (xoxp-…), at api.slack.com/apps → your app → OAuth & Permissions → User OAuth Token",
}
_REST = re.compile(r"[A-Za-z0-9._-]{4,}")


def kind_of_token(text: str) -> str:
    """Describe a secret in words, without repeating it.

    >>> kind_of_token("xoxp-1-2"), kind_of_token("hunter2")
    ('a user token (xoxp-…)', 'not a Slack token')
    """
    return next((words for pattern, words in _KINDS if re.match(pattern, text)), "not a Slack token")


def wrong_token(text: str, expected: str) -> str | None:
    """Return why a text isn't a token of the `expected` kind and where to find one; None if it looks right."""
    if not text:
        return f"Empty. Expected {_WHERE[expected]}."
    if not text.startswith(expected):
        return f"That's {kind_of_token(text)}. Expected {_WHERE[expected]}."
    if not _REST.fullmatch(text.removeprefix(expected)):
        return f"Incomplete, or with invalid characters. Copy it again: {_WHERE[expected]}."
    return None
