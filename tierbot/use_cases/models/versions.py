"""Model versions as the database has them: the one in service, any one by its id, and putting one in service."""

import hashlib

from tierbot.domain.nouns import ModelState, ModelVersion, TierbotError
from tierbot.use_cases.models.external_predictors import is_external
from tierbot.use_cases.ports import Transaction


def own_id(number: int) -> str:
    """Return the id of tierbot's own model version of this number, such as m0003."""
    return f"m{number:04d}"


def champion_of(tx: Transaction) -> ModelVersion:
    """Return the version in service. Raises TierbotError before the first start."""
    champion = tx.models.champion()
    if champion is None:
        raise TierbotError("The workspace has no model yet. It gets one when the bot starts (`tierbot run`).")
    return champion


def version_of(tx: Transaction, version_id: str) -> ModelVersion:
    """Return a version by its id. Raises TierbotError if there is none."""
    version = tx.models.get(version_id)
    if version is None:
        raise TierbotError(f"There is no model {version_id!r}. `tierbot models list` shows those there are.")
    return version


def check_weights(version: ModelVersion, weights: bytes) -> None:
    """Raise TierbotError unless the weights are those that the card names."""
    if hashlib.sha256(weights).hexdigest() != version.sha256:
        raise TierbotError(
            f"Model {version.id} is damaged: its sha256 is not the one on its card. "
            "Go back to its parent with `tierbot models rollback`, or retrain."
        )


def put_in_service(tx: Transaction, version: ModelVersion) -> None:
    """Make a version the champion; a predictor's card remembers which of our own models it took over from."""
    before = tx.models.champion()
    card = None
    if before is not None and before.id != version.id:
        tx.models.set_state(before.id, ModelState.RETIRED)
        if is_external(version):
            card = {**version.card, "understudy": fallback_of(before)}
    tx.models.set_state(version.id, ModelState.CHAMPION, card)


def fallback_of(version: ModelVersion) -> str:
    """Return the id of our own model that answers where a version cannot: itself, if it is our own."""
    return str(version.card["understudy"]) if is_external(version) else version.id
