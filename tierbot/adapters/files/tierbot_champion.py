"""Classifies texts with the model in this folder: tokenizers and ONNX Runtime, nothing of tierbot.

`Champion(FOLDER).classify(["Pizza and pasta"])` returns each text's probabilities by tag. MLflow loads the folder as it is:
`mlflow.pyfunc.load_model(FOLDER).predict(frame)` takes the column `text` and, optionally, `url`.
"""

import json
import re
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import onnxruntime
from tokenizers import Tokenizer


class Champion:
    """The model in a folder that `tierbot models export` wrote."""

    def __init__(self, folder: str | Path = Path(__file__).parent.parent) -> None:
        about = json.loads(Path(folder, "tierbot.json").read_text(encoding="utf-8"))
        self.tags: list[str] = [tag["id"] for tag in about["tags"]]
        self._limits = about["limits"]
        self._word = re.compile(about["word"])
        self._tokenizer = Tokenizer.from_file(str(Path(folder, "tokenizer.json")))
        self._session = onnxruntime.InferenceSession(str(Path(folder, "model.onnx")))

    def probabilities(self, texts: Sequence[str], urls: Sequence[str] = ()) -> Any:
        """Return the probabilities of `tags` for n texts, with the URLs of their articles if known: (n, T) float32."""
        tokens = self._tokenizer.encode_batch([text[: self._limits["encoder_characters"]] for text in texts])
        given = {
            "input_ids": np.array([one.ids for one in tokens], np.int64),
            "attention_mask": np.array([one.attention_mask for one in tokens], np.int64),
            "words": _padded([self._words(text) for text in texts]),
            "sites": _padded([_sites(url) for url, _ in zip_longest(urls, texts, fillvalue="")]),
        }
        return self._session.run(None, given)[0]

    def classify(self, texts: Sequence[str], urls: Sequence[str] = ()) -> list[dict[str, float]]:
        """Return each text's probabilities by tag, most probable first."""
        return [
            dict(sorted(zip(self.tags, row, strict=True), key=lambda pair: -pair[1]))
            for row in self.probabilities(texts, urls).tolist()
        ]

    def predict(self, model_input: Any, params: Any = None) -> Any:  # noqa: ARG002 - MLflow's signature
        """Return a frame with a column for each tag, for a frame with `text` and, optionally, `url`."""
        import pandas as pd  # noqa: PLC0415 - only MLflow needs it

        urls = [str(url or "") for url in model_input["url"]] if "url" in model_input else []
        found = self.probabilities([str(text) for text in model_input["text"]], urls)
        return pd.DataFrame(found, columns=self.tags, index=model_input.index)

    def _words(self, text: str) -> list[str]:
        return self._word.findall(text[: self._limits["characters"]].lower())[: self._limits["words"]]


def _sites(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return []
    section = parts.path.strip("/").split("/")[0]
    return [host, f"{host}/{section}"] if host and section else [host] if host else []


def _padded(rows: Sequence[Sequence[str]]) -> Any:
    width = max(1, *(len(row) for row in rows))
    return np.array([[*row, *[""] * (width - len(row))] for row in rows], object)


def _load_pyfunc(path: str) -> Champion:
    """MLflow calls this with the folder."""
    return Champion(path)
