"""The table of Web API methods and the arguments they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tierbot.sandbox.kit.args import Args

if TYPE_CHECKING:
    from collections.abc import Callable

    from tierbot.sandbox.sandbox import Sandbox

    Handler = Callable[[Sandbox, "Args"], dict[str, Any]]

METHODS: dict[str, Method] = {}


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Web API.

    Any one of `scopes` allows it; `caller` is who may call: bot, app, member (the bot or a colleague), everyone (with
    a token), anyone (without one, too); `tier` 0 is unlimited.
    """

    name: str
    handler: Handler
    scopes: tuple[str, ...]
    tier: int
    caller: str


def method(name: str, *scopes: str, tier: int = 3, caller: str = "bot") -> Callable[[Handler], Handler]:
    """Register the decorated function as a Web API method."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = Method(name, handler, scopes, tier, caller)
        return handler

    return register
