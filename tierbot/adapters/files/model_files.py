"""Models as files (ports.ModelFiles): the bootstrap model that ships with tierbot, and the published champion."""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
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
_REINSTALL = "Reinstall tierbot, or build it again with `tierbot models build`."


class ModelFolderError(TierbotError):
    """A model file is missing or damaged; the text names the file and a remedy."""


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """The folder of the bootstrap model, and the folder to publish champions to (None to publish none).

    by_workspace: publish each workspace's champion to its own subfolder.
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
        """Return the published champion. Raises ModelFolderError if it is missing or damaged."""
        return read_model(
            (self.published or self.shipped) / f"{CHAMPION}.json", "Publish it again with `tierbot models promote`."
        )

    def publish(self, version: ModelVersion, weights: bytes, workspace: str) -> None:
        """Write a workspace's champion as files and replace the old one atomically; do nothing if it is already there.

        The weights' file name contains their digest, and the card, written last, names that file. A reader in between
        still sees the complete old champion.
        """
        if self.published is None:
            return
        folder = self.published / re.sub(r"\W", "_", workspace) if self.by_workspace else self.published
        with suppress(ModelFolderError):
            there, its_weights = read_model(folder / f"{CHAMPION}.json", "")
            if (there.id, there.card, its_weights) == (version.id, dict(version.card), weights):
                return
        write_model(folder, CHAMPION, version, weights)


def read_model(card_file: Path, remedy: str) -> tuple[ModelVersion, bytes]:
    """Read the model that a card names. Raises ModelFolderError, ending with `remedy`, if it is missing or damaged."""
    try:
        card = json.loads(card_file.read_text(encoding="utf-8"))
        version, file = version_of(card), _beside(card_file, str(card["file"]))
    except OSError as fault:
        raise ModelFolderError(f"{card_file} cannot be read ({fault.strerror}). {remedy}") from fault
    except (KeyError, TypeError, ValueError) as fault:
        raise ModelFolderError(f"{card_file} is damaged ({fault}). {remedy}") from fault
    return version, _checked(file, version.sha256, remedy)


def _beside(card_file: Path, name: str) -> Path:
    """Return the file of this name in a card's folder. Raises ValueError for a name that leads elsewhere."""
    file = card_file.parent / name
    plain = name not in {"", ".", ".."} and not set(name) & set("/\\:\0") and name.isprintable()
    if not plain or file.resolve().parent != card_file.parent.resolve():
        raise ValueError(f"its weights, {name[:100]!r}, are not a file in its folder")
    return file


def write_model(folder: Path, name: str, version: ModelVersion, weights: bytes, *, by_digest: bool = True) -> None:
    """Write a model's weights, then the card that names them, and remove weights that no card names.

    Raises ModelFolderError if the weights don't match the digest in `version`, or the folder isn't writable.
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
            f"{folder} cannot be written ({fault.strerror}). Free some space, or set TIERBOT_MODELS."
        ) from fault


def version_of(card: Mapping[str, Any]) -> ModelVersion:
    """Read a model version from its card's JSON. Raises KeyError, TypeError or ValueError if the card is invalid."""
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
    """Return the folder of the shipped models: package data in a wheel, models/ in a source checkout."""
    package = Path(str(resources.files("tierbot")))
    inside = package / "_models"
    return inside if inside.is_dir() else package.parent / "models"


def _checked(path: Path, sha256: str, remedy: str) -> bytes:
    try:
        if path.exists() and not path.is_file():  # a pipe or a device would be read forever
            raise ModelFolderError(f"{path} is not a file. {remedy}")
        data = path.read_bytes()
    except OSError as fault:
        raise ModelFolderError(f"{path} cannot be read ({fault.strerror}). {remedy}") from fault
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ModelFolderError(f"{path} is damaged: its sha256 differs from its card's. {remedy}")
    return data
