"""Models as files (ports.ModelFiles): the bootstrap model that ships, and the champion for others to load."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

from tierbot.adapters.atomic import write_whole
from tierbot.domain.nouns import ModelState, ModelVersion, TierbotError

BOOTSTRAP = "bootstrap"
CHAMPION = "champion"
ROWS = "bootstrap-rows"
_REINSTALL = "Reinstall tierbot, or make it anew with `tierbot models build`."


class ModelFolderError(TierbotError):
    """A model's file that is missing or damaged; the text names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder with the bootstrap model's files, and one that champions are published to (None: nowhere).

    by_workspace: each workspace's champion goes to a folder of its own in there.
    """

    shipped: Path
    published: Path | None = None
    by_workspace: bool = False

    def bootstrap(self) -> tuple[ModelVersion, bytes]:
        """Return the bootstrap model's version and weights. Raises ModelFolderError if they are missing or damaged."""
        return read_model(self.shipped / f"{BOOTSTRAP}.json", _REINSTALL)

    def bootstrap_rows(self) -> bytes:
        """Return the bootstrap model's rows. Raises ModelFolderError if they are missing or damaged."""
        version, _ = self.bootstrap()
        path = self.shipped / f"{ROWS}.safetensors"
        return _checked(path, str(version.card.get("rows_sha256", "")), _REINSTALL)

    def champion(self) -> tuple[ModelVersion, bytes]:
        """Return the published champion. Raises ModelFolderError if there is none or it is damaged."""
        return read_model(
            (self.published or self.shipped) / f"{CHAMPION}.json", "Publish it again with `tierbot models promote`."
        )

    def publish(self, version: ModelVersion, weights: bytes, workspace: str) -> None:
        """Write a workspace's champion as files, replacing the former champion's atomically; nothing if they are there.

        The weights' file is named by its digest and the card, written last, names it: a reader that comes in
        between sees the former champion whole.
        """
        if self.published is None:
            return
        folder = self.published / re.sub(r"\W", "_", workspace) if self.by_workspace else self.published
        if not _is_there(folder / f"{CHAMPION}.json", version, weights):
            write_model(folder, CHAMPION, version, weights)


def _is_there(card_file: Path, version: ModelVersion, weights: bytes) -> bool:
    try:
        found, bytes_ = read_model(card_file, "")
    except ModelFolderError:
        return False
    return (found.id, found.card, bytes_) == (version.id, dict(version.card), weights)


def read_model(card_file: Path, remedy: str) -> tuple[ModelVersion, bytes]:
    """Read the model that a card names. Raises ModelFolderError, ending with `remedy`, if it is missing or damaged."""
    try:
        card = json.loads(card_file.read_text(encoding="utf-8"))
        version, file = version_of(card), card_file.parent / str(card["file"])
    except OSError as fault:
        raise ModelFolderError(f"{card_file} cannot be read ({fault.strerror}). {remedy}") from fault
    except (KeyError, TypeError, ValueError) as fault:
        raise ModelFolderError(f"{card_file} is damaged ({fault}). {remedy}") from fault
    return version, _checked(file, version.sha256, remedy)


def write_model(folder: Path, name: str, version: ModelVersion, weights: bytes, *, by_digest: bool = True) -> None:
    """Write a model's weights and then the card that names them; remove the weights that no card names any more.

    Raises ModelFolderError if the digest in `version` is not that of the weights, or the folder cannot be written.
    """
    found = hashlib.sha256(weights).hexdigest()
    if found != version.sha256:
        raise ModelFolderError(f"The weights of {version.id} do not match their card (sha256 {found[:12]}…). Retrain.")
    file = folder / (f"{name}-{found[:12]}.safetensors" if by_digest else f"{name}.safetensors")
    card = {
        "id": version.id,
        "number": version.number,
        "parent": version.parent,
        "state": str(version.state),
        "encoder_digest": version.encoder_digest,
        "sha256": version.sha256,
        "created_at": version.created_at.isoformat(),
        "file": file.name,
        "card": dict(version.card),
    }
    try:
        write_whole(file, weights)
        write_whole(folder / f"{name}.json", json.dumps(card, indent=2, ensure_ascii=False).encode() + b"\n")
        for old in folder.glob(f"{name}-????????????.safetensors"):
            if old != file:
                old.unlink(missing_ok=True)
    except OSError as fault:
        raise ModelFolderError(
            f"{folder} cannot be written ({fault.strerror}). Make room, or set TIERBOT_MODELS."
        ) from fault


def version_of(card: Mapping[str, Any]) -> ModelVersion:
    """Read a model version from its card's JSON. Raises KeyError, TypeError or ValueError if it is none."""
    return ModelVersion(
        id=str(card["id"]),
        number=int(card["number"]),
        parent=card["parent"],
        state=ModelState(card["state"]),
        encoder_digest=str(card["encoder_digest"]),
        sha256=str(card["sha256"]),
        created_at=datetime.fromisoformat(card["created_at"]),
        card=dict(card["card"]),
    )


def shipped_models() -> Path:
    """Return the folder of the models that ship: package data in a wheel, models/ in a source checkout."""
    package = Path(str(resources.files("tierbot")))
    inside = package / "_models"
    return inside if inside.is_dir() else package.parent / "models"


def _checked(path: Path, sha256: str, remedy: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise ModelFolderError(f"{path} cannot be read ({fault.strerror}). {remedy}") from fault
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ModelFolderError(f"{path} is damaged: its sha256 is not the one on its card. {remedy}")
    return data
