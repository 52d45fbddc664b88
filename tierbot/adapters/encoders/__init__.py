"""Sentence encoders: texts to embeddings, offline."""

from tierbot.adapters.encoders.hashing import HASHING, HashingEncoder
from tierbot.adapters.encoders.sentence import DEFAULT, SentenceEncoder
from tierbot.use_cases.ports import Encoder


def encoder_of(name: str, *, threads: int | None = 1) -> Encoder:
    """Return the encoder for a setting: "hashing", "all-MiniLM-L6-v2-fast", or any SentenceEncoder name."""
    if name == HASHING:
        return HashingEncoder()
    if name == f"{DEFAULT}-fast":
        from tierbot.adapters.encoders.openvino import FastEncoder  # noqa: PLC0415 - OpenVINO is an optional extra

        return FastEncoder(threads=threads)
    return SentenceEncoder(name, threads=threads)
