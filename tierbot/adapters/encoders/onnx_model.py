"""A classifier with its sentence encoder as one ONNX file: token ids, words and sites in, probabilities out.

The graph computes what `Classifier.probabilities` computes, in float32. Hashing needs ONNX Runtime's own MurmurHash3.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tierbot.adapters.encoders.openvino import write_onnx
from tierbot.adapters.encoders.sentence import MOST_CHARACTERS, TOKENS, EncoderError, SentenceEncoder, packaged_weights
from tierbot.adapters.temporary import temporary_folder
from tierbot.domain.predict.classifier import Classifier
from tierbot.domain.predict.features import COLUMNS, SITE_COLUMNS, WORD_COLUMNS
from tierbot.domain.predict.neighbors import MOST_TRUST, SPREAD, Neighbors
from tierbot.use_cases.ports import Encoder

_OPSET = 20  # StringConcat
_INT64, _FLOAT, _STRING = 7, 1, 8  # ONNX's numbers of the types
_IR = 10


def exportable(encoder: Encoder) -> None:
    """Raise EncoderError unless the encoder is the packaged one, at the usual length, and onnx is installed."""
    if encoder.digest != SentenceEncoder().digest:
        raise EncoderError("Only a model of the packaged encoder can be exported. Unset TIERBOT_ENCODER and retrain.")
    try:
        import onnx  # noqa: F401, PLC0415 - an optional package
    except ImportError as fault:
        raise EncoderError("ONNX is missing. Run: pip install '.[models]'.") from fault


def write_tokenizer(path: Path) -> dict[str, int]:
    """Write the encoder's tokenizer, which cuts and pads; return how many characters of a text it needs."""
    from tokenizers import Tokenizer  # noqa: PLC0415

    tokenizer = Tokenizer.from_file(str(packaged_weights() / "tokenizer.json"))
    tokenizer.enable_truncation(TOKENS)
    tokenizer.enable_padding()
    tokenizer.save(str(path))
    return {"encoder_tokens": TOKENS, "encoder_characters": MOST_CHARACTERS}


def write_model(path: Path, model: Classifier) -> None:
    """Write a classifier over T tags, and the packaged encoder, to `path` (95 MB, ten seconds).

    Inputs: input_ids and attention_mask, int64 (n, tokens); words and sites, strings (n, any), padded with "". Output:
    probabilities, float32 (n, T), in the order of the model's tags.
    """
    import onnx  # noqa: PLC0415 - an optional package
    from onnx import helper  # noqa: PLC0415

    with temporary_folder(path.parent, path.name) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns about its future changes
        write_onnx(folder / "encoder.onnx", _OPSET)
        whole = onnx.load(folder / "encoder.onnx")
    head = _Graph()
    head.classify(model)
    graph = whole.graph
    graph.node.extend(head.nodes)
    graph.initializer.extend(head.constants)
    for name in ("words", "sites"):
        graph.input.append(helper.make_tensor_value_info(name, _STRING, ["texts", name]))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("probabilities", _FLOAT, ["texts", len(model.tag_ids)]))
    whole.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    whole.ir_version, whole.producer_name = _IR, "tierbot"
    onnx.checker.check_model(whole)
    onnx.save(whole, path)


class _Graph:
    """The head's nodes, from the encoder's `embedding` to `probabilities`."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def classify(self, model: Classifier) -> None:
        """Add everything that `Classifier.probabilities` does."""
        scores = self.add("Add", self.add("MatMul", "embedding", self.floats(model.dense)), self.floats(model.bias))
        if len(model.tfidf.columns):
            scores = self.add("Add", scores, self._of_words(model))
        logits = self._times(scores, model.slope, model.offset)
        logs = self._times(self.add("Softplus", self.add("Neg", logits)), -model.sharpness)
        linear = self.add("Softmax", logs, axis=1)
        mixed = self._with_neighbors(linear, model.neighbors)
        raised = self.add("Mul", mixed, self.floats(np.exp(model.adjustment.astype(np.float64))))
        self.add("Div", raised, self._sum(raised), output="probabilities")

    def add(self, operator: str, *inputs: str, output: str = "", domain: str = "", **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        from onnx import helper  # noqa: PLC0415

        name = output or f"head_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], domain=domain, **attributes))
        return name

    def constant(self, value: NDArray[Any]) -> str:
        """Add a constant; return its name."""
        from onnx import numpy_helper  # noqa: PLC0415

        name = f"head_constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def floats(self, value: NDArray[Any] | Sequence[float] | float) -> str:
        """Add float32 numbers."""
        return self.constant(np.asarray(value, np.float32))

    def integers(self, *value: int) -> str:
        """Add a vector of int64."""
        return self.constant(np.array(value, np.int64))

    def _times(self, numbers: str, factor: float, plus: float = 0.0) -> str:
        found = self.add("Mul", numbers, self.floats(factor))
        return self.add("Add", found, self.floats(plus)) if plus else found

    def _sum(self, numbers: str) -> str:
        return self.add("ReduceSum", numbers, self.integers(1), keepdims=1)

    def _of_words(self, model: Classifier) -> str:
        """Add the scores of the words and sites that the model knows: tfidf.transform(present) @ words."""
        tfidf, weights = model.tfidf, model.words
        present = self._present()
        is_word = tfidf.columns < WORD_COLUMNS
        square = np.full((WORD_COLUMNS, 1), tfidf.unknown_idf**2, np.float32)
        square[tfidf.columns[is_word], 0] = tfidf.idf[is_word].astype(np.float64) ** 2
        words = self.add("Slice", present, self.integers(0), self.integers(WORD_COLUMNS), self.integers(1))
        length = self.add("Sqrt", self.add("Max", self.add("MatMul", words, self.floats(square)), self.floats(1e-12)))
        factor = np.where(is_word, tfidf.word_scale * tfidf.idf, tfidf.site_scale * np.minimum(tfidf.idf, 1))
        scaled = weights * factor[:, None].astype(np.float32)

        def score(which: NDArray[np.bool_]) -> str:
            known = self.add("Gather", present, self.integers(*tfidf.columns[which].tolist()), axis=1)
            return self.add("MatMul", known, self.floats(scaled[which]))

        return self.add("Add", self.add("Div", score(is_word), length), score(~is_word))

    def _present(self) -> str:
        """Add the (n, COLUMNS + 1) numbers 0 or 1 that say which columns occur; the last one collects the padding."""
        ends = self.integers(np.iinfo(np.int64).max)
        later = self.add("Slice", "words", self.integers(1), ends, self.integers(1))
        first = self.add("Slice", "words", self.integers(0), self.integers(-1), self.integers(1))
        blank = self.constant(np.array(" ", object))
        pairs = self.add("StringConcat", self.add("StringConcat", first, blank), later)
        columns = self.add(
            "Concat",
            self._columns("words", "words", WORD_COLUMNS),
            self._columns(pairs, later, WORD_COLUMNS),
            self._columns("sites", "sites", SITE_COLUMNS, WORD_COLUMNS),
            axis=1,
        )
        texts = self.add("Slice", self.add("Shape", "input_ids"), self.integers(0), self.integers(1))
        shape = self.add("Concat", texts, self.integers(COLUMNS + 1), axis=0)
        from onnx import numpy_helper  # noqa: PLC0415

        nothing = self.add("ConstantOfShape", shape, value=numpy_helper.from_array(np.zeros(1, np.float32)))
        ones = self.add("Expand", self.floats([1.0]), self.add("Shape", columns))
        return self.add("ScatterElements", nothing, columns, ones, axis=1)

    def _columns(self, tokens: str, filled: str, count: int, start: int = 0) -> str:
        """Add the column of each token, as scikit-learn's FeatureHasher has it; of padding, where `filled` is ""."""
        number = self.add("MurmurHash3", tokens, domain="com.microsoft", seed=0, positive=0)
        place = self.add("Abs", self.add("Cast", number, to=_INT64))
        place = self.add("Add", self.add("Mod", place, self.integers(count)), self.integers(start))
        padding = self.add("Equal", filled, self.constant(np.array("", object)))
        return self.add("Where", padding, self.integers(COLUMNS), place)

    def _with_neighbors(self, linear: str, neighbors: Neighbors) -> str:
        """Add what `Neighbors.blended` does."""
        if not len(neighbors) or neighbors.middle > 1:
            return linear
        mixed, tags = linear, neighbors.tags.astype(np.float32)
        usable = np.flatnonzero(tags.any(axis=1))
        if len(usable):
            stories, tags = neighbors.embeddings[usable].astype(np.float32), tags[usable]
            cosines = self.add("MatMul", "embedding", self.floats(stories.T))
            nearest = self.add("ReduceMax", cosines, self.integers(1), keepdims=1)
            near = self.add("Exp", self._times(self.add("Sub", cosines, nearest), 1 / SPREAD))
            total = self.add("MatMul", near, self.floats(tags.sum(axis=1, keepdims=True)))
            votes = self.add("Div", self.add("MatMul", near, self.floats(tags)), total)
            half = 0.5 * neighbors.steepness
            trust = self.add("Tanh", self._times(nearest, half, -half * neighbors.middle))
            trust = self._times(trust, 0.5 * MOST_TRUST, 0.5 * MOST_TRUST)
            mixed = self.add("Add", linear, self.add("Mul", trust, self.add("Sub", votes, linear)))
        raised = self.add("Pow", mixed, self.floats(neighbors.focus))
        return self.add("Div", raised, self._sum(raised))
