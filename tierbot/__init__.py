"""tierbot trains a classifier from a Slack channel. See README.md, and docs/python.md for this package's API.

    import tierbot

    champion = tierbot.load("models")
    champion.classify(["Quarterback throws four touchdowns"])
    tierbot.ledger("sqlite:///tierbot.db").votes

Names are loaded on first use: `import tierbot` imports nothing else.
"""

from importlib import import_module

TYPE_CHECKING = False  # not typing's: importing that takes longer than all else until the command line heeds signals
if TYPE_CHECKING:
    from tierbot.app.api import Champion, Ledger, ledger, load
    from tierbot.domain.nouns import Article, Tag, TierbotError
    from tierbot.domain.predict.model import Example, Predictor, PredictorError

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
    """Load a public name on first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'tierbot' has no attribute {name!r}")
    modules = ("tierbot.domain.nouns", "tierbot.domain.predict.model", "tierbot.app.api")
    return next(vars(module)[name] for module in map(import_module, modules) if name in vars(module))


def __dir__() -> list[str]:
    """Include the public names."""
    return [*globals(), *__all__]
