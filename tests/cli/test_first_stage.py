"""TIERBOT_FIRST_STAGE=on through the command: alone, in bulk, cut short, and with an encoder that is a real transformer."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.test_bulk import tierbot
from tests.conftest import WORKSPACE, harness_settings
from tests.support.fakes import ManualClock, MemoryChat
from tests.support.worlds import FILLER, WORDS
from tierbot.adapters.encoders.sentence import SentenceEncoder
from tierbot.app.bootstrap import build
from tierbot.app.demo.start import Stories, first_model
from tierbot.domain.nouns import Article
from tierbot.domain.predict.cascade import FirstStage
from tierbot.domain.predict.deferral import Deferral
from tierbot.domain.tags import default_tag_space
from tierbot.use_cases.ports import Workspace

MAKE = """
import sys
from pathlib import Path
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from transformers import BertConfig, BertModel, BertTokenizerFast
import torch
torch.manual_seed(0)
folder, words = Path(sys.argv[1]), sys.argv[2].split()
(folder / "vocab.txt").write_text("\\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
tokenizer = BertTokenizerFast.from_pretrained(folder)
tokenizer.save_pretrained(folder / "bert")
size = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, initializer_range=0.5)
BertModel(BertConfig(vocab_size=len(tokenizer), **size)).save_pretrained(folder / "bert")
whole = Transformer(str(folder / "bert"))
SentenceTransformer(modules=[whole, Pooling(32)], device="cpu").save(str(folder / "encoder"))
"""


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the path of a tiny sentence-transformers model."""
    folder = tmp_path_factory.mktemp("tiny")
    words = " ".join(sorted({*" ".join(WORDS.values()).split(), *FILLER}))
    done = subprocess.run([sys.executable, "-c", MAKE, str(folder), words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return str(folder / "encoder")


def stories(count: int, seed: int) -> Iterator[Article]:
    rng, now = np.random.default_rng(seed), ManualClock().now()
    vocabulary = sorted({*" ".join(WORDS.values()).split(), *FILLER})
    for number in range(count):
        yield Article(
            f"{seed}-{number}", " ".join(rng.choice(vocabulary, 12)), "", f"https://n.example/{seed}/{number}", "", now
        )


@pytest.fixture(scope="module")
def played(encoder: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a database of 2,200 embedded articles, and a backlog to classify."""
    folder = tmp_path_factory.mktemp("played")
    clock, tags, tiny = ManualClock(), default_tag_space(), SentenceEncoder(encoder)
    model_files = first_model(Stories(tags, (), ()), tiny, clock.now(), seed=1)
    settings = harness_settings(folder, database_url=f"sqlite:///{folder}/bot.db")
    bot = build(
        settings, clock=clock, encoder=tiny, model_files=model_files, chats=lambda _: MemoryChat(clock), tags=tags
    )
    bot.loop.prepare(Workspace(WORKSPACE, "Test", clock.now(), {"bot_user": "UBOT"}), tags)
    with bot.store.begin(WORKSPACE) as tx:
        tx.articles.add(list(stories(2200, seed=1)))
    bot.loop.embed(WORKSPACE)
    bot.close()
    lines = [json.dumps({"title": one.title, "url": one.url}) for one in stories(700, seed=2)]
    (folder / "backlog.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def classify(folder: Path, encoder: str, *arguments: object, first_stage: str = "on") -> list[dict[str, Any]]:
    more = {"TIERBOT_ENCODER": encoder, "XDG_CACHE_HOME": str(folder / "cache"), "TIERBOT_FIRST_STAGE": first_stage}
    done = tierbot(folder, "classify", "-f", "backlog.jsonl", "--top", 2, *arguments, **more)
    assert done.returncode == 0, done.stderr
    out = folder / "out.jsonl"
    lines = out.read_text() if out.exists() else done.stdout
    out.unlink(missing_ok=True)
    return [json.loads(line) for line in lines.splitlines()]


def test_each_answer_says_which_stage_spoke_alone_and_in_bulk(played: Path, encoder: str) -> None:
    alone = classify(played, encoder, "--json")
    (kept,) = (played / "cache" / "tierbot").glob("first-harness-*.safetensors")
    # The tiny transformer is an easy teacher; a stricter rule, by 1 - p alone, leaves half of the texts to it.
    first = FirstStage.from_bytes(kept.read_bytes())
    sure = [one["tags"][0]["probability"] for one in alone]
    by_p = np.zeros_like(first.deferral.weights)
    by_p[:2] = 0.1, -0.1
    kept.write_bytes(replace(first, deferral=Deferral(by_p, 1 - float(np.median(sure)))).to_bytes())
    bulk = classify(played, encoder, "--out", "out.jsonl", "--workers", 1)
    assert {one["harness"] for one in bulk} == {"first", "full"}
    assert [one["harness"] for one in classify(played, encoder, "--json")] == [one["harness"] for one in bulk]
    off = classify(played, encoder, "--json", first_stage="off")
    assert all("harness" not in one for one in off)
    for one, student, model in zip(bulk, alone, off, strict=True):
        spoke = student if one["harness"] == "first" else model
        assert one["tags"][0]["probability"] == pytest.approx(spoke["tags"][0]["probability"], abs=1e-4)


def test_without_a_database_it_says_that_it_has_no_effect(tmp_path: Path) -> None:
    done = tierbot(tmp_path, "classify", "pizza", TIERBOT_FIRST_STAGE="on")
    assert done.returncode == 0
    assert "TIERBOT_FIRST_STAGE has no effect" in done.stderr.replace("\n", " ")
