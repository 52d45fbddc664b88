"""Model versions in the database: the champion, any version by id, and promotion."""

import hashlib
from dataclasses import asdict, replace

from tierbot.domain.nouns import ModelState, ModelVersion, TierbotError
from tierbot.domain.training.judge import Decision
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
        raise TierbotError(f"There is no model {version_id!r}. `tierbot models list` shows all models.")
    return version


def check_weights(version: ModelVersion, weights: bytes) -> None:
    """Raise TierbotError unless the weights match the card's sha256."""
    if hashlib.sha256(weights).hexdigest() != version.sha256:
        raise TierbotError(
            f"Model {version.id} is damaged: its sha256 doesn't match its card. "
            "Go back to its parent with `tierbot models rollback`, or retrain."
        )


def put_in_service(tx: Transaction, version: ModelVersion) -> None:
    """Make a version the champion; an external predictor's card records its fallback model."""
    before = tx.models.champion()
    card = None
    if before is not None and before.id != version.id:
        tx.models.set_state(before.id, ModelState.RETIRED)
        if is_external(version):
            card = {**version.card, "fallback": fallback_of(before)}
    tx.models.set_state(version.id, ModelState.CHAMPION, card)


def fallback_of(version: ModelVersion) -> str:
    """Return the id of the fallback model of a version: itself if it is our own."""
    return str(version.card["fallback"]) if is_external(version) else version.id


def numbered(tx: Transaction, version: ModelVersion) -> ModelVersion:
    """Give a version the next number, free until this transaction ends, and our own models the matching id."""
    number = 1 + max((version.number for version in tx.models.all()), default=0)
    return replace(version, number=number, id=version.id or own_id(number))


def overtaken(challenger: ModelVersion, decision: Decision, champion: str) -> tuple[ModelVersion, Decision]:
    """Refuse a promotion, on the card too, because another model was put in service since the comparison began."""
    reason = (
        f"refused: {champion}, which it was compared with, went out of service during the training. "
        f"To use it anyway: tierbot models promote {challenger.id}"
    )
    decision = replace(decision, promote=False, reason=reason, overtaken=True)
    metrics = {**challenger.card.get("metrics", {}), "promotion": asdict(decision)}
    return replace(challenger, card={**challenger.card, "metrics": metrics}), decision


def same_code(tx: Transaction, found: ModelVersion) -> str | None:
    """Return the id of the newest version made by the same predictor's code."""
    same = (one for one in tx.models.all() if is_external(one) and one.card["digest"] == found.card["digest"])
    return next((one.id for one in same), None)
