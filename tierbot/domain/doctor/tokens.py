"""Which kind of secret a text is: people paste the wrong one of Slack's five, and it helps to say which."""

import re

BOT, APP, USER = "xoxb-", "xapp-", "xoxp-"

_KINDS = (
    (r"xoxb-", "a bot token (xoxb-…)"),
    (r"xapp-", "an app-level token (xapp-…)"),
    (r"xoxe[.-]", "a configuration or refresh token (xoxe…)"),
    (r"xoxp-", "a user token (xoxp-…)"),
    (r"xox[acdsr]-", "a token of Slack's own programs"),
    (r"[0-9a-f]{32}$", "a signing or client secret (32 hexadecimal digits)"),
    (r"\d+\.\d+$", "a client id"),
    (r"https?://", "an address"),
)
_WHERE = {
    BOT: "the bot token (xoxb-…), at api.slack.com/apps → your app → OAuth & Permissions → Bot User OAuth Token",
    APP: "the app-level token (xapp-…), at api.slack.com/apps → your app → Basic Information → App-Level Tokens "
    "(generate one with the scope connections:write)",
    USER: "a user token (xoxp-…), at api.slack.com/apps → your app → OAuth & Permissions → User OAuth Token",
}
_REST = re.compile(r"[A-Za-z0-9._-]{4,}")


def kind_of_token(text: str) -> str:
    """Return in words what a text is, never the text itself.

    >>> kind_of_token("xoxp-1-2"), kind_of_token("hunter2")
    ('a user token (xoxp-…)', 'no token of Slack')
    """
    return next((words for pattern, words in _KINDS if re.match(pattern, text)), "no token of Slack")


def wrong_token(text: str, wanted: str) -> str | None:
    """Return what is wrong with a text as a token of the kind `wanted` (BOT, APP or USER) and where to find the right one.

    None if it looks right.
    """
    if not text:
        return f"It is empty. Wanted is {_WHERE[wanted]}."
    if not text.startswith(wanted):
        return f"That is {kind_of_token(text)}. Wanted is {_WHERE[wanted]}."
    if not _REST.fullmatch(text.removeprefix(wanted)):
        return f"It is cut short or holds characters that no token has. Copy it again: {_WHERE[wanted]}."
    return None
