"""The table of Web API methods and the arguments they read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tierbot.sandbox.kit.args import Args
from tierbot.sandbox.sandbox import Sandbox

Handler = Callable[[Sandbox, Args], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Web API.

    Any one of `scopes` allows the call. `caller` says which token it takes: bot, app, member (the bot's or a user's),
    everyone (any token) or anyone (none needed). `tier` 0 has no rate limit.
    """

    handler: Handler
    scopes: tuple[str, ...]
    tier: int
    caller: str


METHODS: dict[str, Method] = {}


def method(name: str, *scopes: str, tier: int = 3, caller: str = "bot") -> Callable[[Handler], Handler]:
    """Register the decorated function as a Web API method."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = Method(handler, scopes, tier, caller)
        return handler

    return register
