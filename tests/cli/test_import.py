"""`tierbot import` from end to end: a preview writes nothing, an import teaches the next model."""

import gc
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from typer.testing import CliRunner

from tests.conftest import WORKSPACE, build_harness
from tests.support.files_of_any_kind import FILES
from tierbot.adapters.store import open_store
from tierbot.cli.app import app
from tierbot.domain.nouns import TierbotError


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of a bot's database, and set the settings to it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/test.db")
    build_harness(tmp_path).bot.close()
    stories = [
        {"headline": f"Zorblax report number {n}", "link": f"https://n.example/{n}", "tag": "law"} for n in range(40)
    ]
    stories += [
        {"headline": f"Crumpet bulletin number {n}", "link": f"https://n.example/c{n}", "tag": "FOOD"}
        for n in range(40)
    ]
    stories += [{"headline": "Strange", "tag": "Unheard of"}]
    Path("stories.jsonl").write_text("\n".join(map(json.dumps, stories)) + "\nno json\n")
    return f"sqlite:///{tmp_path}/test.db"


def run(*arguments: str) -> dict:
    result = CliRunner().invoke(app, ["import", "stories.jsonl", "--json", *arguments])
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def test_a_preview_says_what_was_understood_and_an_import_teaches_the_next_model(database: str, tmp_path: Path) -> None:
    said = run("--preview")
    assert (said["rows"], said["refused"], said["labeled"], said["unknown_only"]) == (82, 1, 80, 1)
    assert said["labels"] == {"law": "law", "FOOD": "food"}
    assert said["tags"] == {"law": 40, "food": 40}
    assert all(isinstance(count, int) for count in said["tags"].values())
    assert said["unknown"] == {"Unheard of": 1}
    store = open_store(database)
    with store.read(WORKSPACE) as tx:
        assert (tx.articles.count(), tx.given_labels.sample(99)) == (0, [])

    assert run("--map", "Unheard of=space")["new"] == 81
    assert run("--map", "Unheard of=space")["new"] == 0
    with store.read(WORKSPACE) as tx:
        assert len(tx.given_labels.sample(99)) == 81
        assert tx.articles.waiting(99) == []
    store.close()

    harness = build_harness(tmp_path)
    training = harness.bot.loop.retrain(WORKSPACE)
    assert training is not None
    assert training.version.card["data"]["cursor"]["given"] == 81
    _, classifier = harness.bot.registry.champion(WORKSPACE)
    from tierbot.domain.predict.features import features_of

    texts = ["Zorblax report tomorrow", "Crumpet bulletin tomorrow"]
    p = classifier.probabilities(features_of(texts, harness.bot.encoder.encode(texts), ["", ""]), ("law", "food"))
    assert p[0, 0] > p[0, 1]
    assert p[1, 1] > p[1, 0]
    harness.bot.close()


def test_a_mapping_that_is_none_is_refused(database: str) -> None:
    result = CliRunner().invoke(app, ["import", "stories.jsonl", "--map", "law"])
    assert "LABEL=TAG" in str(result.exception)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x00\x01", "binary file"),
        (b"PAR1 and no more", "damaged Parquet"),
        (b"[{]", "not valid JSON"),
        (b"one,two\n1,2\n", "every row was refused"),
        (b'{"text": "x", "label": 0.5}\n', "every row was refused"),
        (b'[{"id": 1, "data": {"image": "1.png"}, "annotations": []}]', "every row was refused"),
    ],
)
def test_a_file_that_is_refused_changes_nothing(database: str, content: bytes, says: str) -> None:
    Path("stories.jsonl").write_bytes(content)
    before = Path("test.db").read_bytes()
    result = CliRunner().invoke(app, ["import", "stories.jsonl"])
    assert result.exit_code == 1
    assert says in str(result.exception)
    assert Path("test.db").read_bytes() == before


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES)
def test_any_file_is_imported_with_counts_that_add_up_or_refused_and_changes_nothing(
    database: str, content: bytes
) -> None:
    Path("stories.jsonl").write_bytes(content)
    gc.collect()  # closes the database of the import before, which moves what that wrote into the file
    before = Path("test.db").read_bytes()
    result = CliRunner().invoke(app, ["import", "stories.jsonl", "--json"])
    if result.exit_code:
        assert isinstance(result.exception, TierbotError)
        assert Path("test.db").read_bytes() == before
    else:
        said = json.loads(result.stdout)
        assert said["rows"] == sum(
            said[name] for name in ("refused", "labeled", "unlabeled", "unknown_only", "further")
        )


def test_numbers_are_labels_by_their_names(database: str) -> None:
    Path("stories.jsonl").write_text('{"text": "New law for lakes", "label": 1}\n')
    Path("names.txt").write_text("Food\nLaw\n")
    assert run("--preview")["unknown"] == {"1": 1}
    assert run("--preview", "--names", "names.txt")["tags"] == {"law": 1}
    assert run("--preview", "--map", "1=food")["tags"] == {"food": 1}


def test_a_label_with_commas_is_one_label_if_it_is_mapped(database: str) -> None:
    Path("stories.jsonl").write_text(
        'title,category\n"A sculpture that moves","Arts, Culture & Media"\n"New law","Law, Food"\n'
    )
    said = run("--preview", "--map", "Arts, Culture & Media=art")
    assert said["labels"] == {"Arts, Culture & Media": "art", "Law": "law", "Food": "food"}
    assert said["labeled"] == 2
