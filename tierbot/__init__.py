"""tierbot: a Slack channel that teaches a classifier. See README.md, and docs/python.md for what this package offers.

    import tierbot

    champion = tierbot.load("models")
    champion.classify(["Quarterback throws four touchdowns"])
    tierbot.ledger("sqlite:///tierbot.db").votes

Names are fetched when they are first used: `import tierbot` imports nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tierbot.app.api import (
        Article,
        Champion,
        Example,
        Ledger,
        Predictor,
        PredictorError,
        Tag,
        TierbotError,
        ledger,
        load,
    )

__all__ = [
    "Article",
    "Champion",
    "Example",
    "Ledger",
    "Predictor",
    "PredictorError",
    "Tag",
    "TierbotError",
    "ledger",
    "load",
]


def __getattr__(name: str) -> object:
    """Fetch a public name from `tierbot.app.api` (PEP 562)."""
    if name in __all__:
        return getattr(import_module("tierbot.app.api"), name)
    raise AttributeError(f"module 'tierbot' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, too."""
    return [*globals(), *__all__]
