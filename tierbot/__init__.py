"""tierbot trains a classifier from a Slack channel. See README.md, and docs/python.md for this package's API.

    import tierbot

    champion = tierbot.load("models")
    champion.classify(["Quarterback throws four touchdowns"])
    tierbot.ledger("sqlite:///tierbot.db").votes

Names are loaded on first use: `import tierbot` imports nothing else.
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
    """Load a public name from `tierbot.app.api` (PEP 562)."""
    if name in __all__:
        return getattr(import_module("tierbot.app.api"), name)
    raise AttributeError(f"module 'tierbot' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Include the public names."""
    return [*globals(), *__all__]
