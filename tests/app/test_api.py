"""What `import tierbot` offers: the model in service and the ledger as Arrow tables; cheap to import, all documented."""

import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import tierbot
from tests.conftest import WORKSPACE, Harness
from tests.support.paths import DOCS
from tierbot.domain.nouns import TierbotError
from tierbot.use_cases.ports import Workspace


@pytest.fixture
def played(harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of a database in which six posts were voted on by two people."""
    for ts in harness.posts(6):
        for user in ("U1", "U2"):
            harness.react(user, ts, "pizza")
    harness.settle()
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    return f"sqlite:///{tmp_path}/test.db"


def test_importing_tierbot_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'sklearn', 'numpy', 'pyarrow', 'sqlalchemy', 'slack_bolt', 'pydantic', 'typer'}"
    code = f"import sys, tierbot; dir(tierbot); sys.exit(' '.join(sorted({heavy} & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_every_public_name_is_documented_down_to_its_methods() -> None:
    assert set(tierbot.__all__) <= set(dir(tierbot))
    for name in tierbot.__all__:
        found = getattr(tierbot, name)
        assert found.__module__.startswith("tierbot")
        assert inspect.getdoc(found), name
        for part, member in inspect.getmembers(found) if inspect.isclass(found) else ():
            if not part.startswith("_") and part in vars(found) and (callable(member) or isinstance(member, property)):
                assert inspect.getdoc(member), f"{name}.{part}"


def test_a_name_that_there_is_none_of_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        _ = tierbot.lode


def test_the_champion_of_a_database_says_what_the_bot_would_say(harness: Harness, played: str) -> None:
    champion = tierbot.load(played)
    assert champion.version == "m0001"
    assert champion.tags == harness.bot.tags.ids
    articles = harness.articles(3)
    ours = harness.bot.registry.champion(WORKSPACE)[1].predict(
        articles, harness.bot.encoder.encode([one.content for one in articles]), harness.bot.tags.ids
    )
    np.testing.assert_array_equal(champion.probabilities(articles), ours)
    ranked = champion.classify(["pizza and pasta"])[0]
    assert list(ranked.values()) == sorted(ranked.values(), reverse=True)
    assert sum(ranked.values()) == pytest.approx(1)


def test_a_champion_says_which_texts_say_too_little(played: str) -> None:
    assert tierbot.load(played).unclear(["🍕", "ok thanks", "Pizza for everyone"]) == ["no words", "no topic", None]


def test_where_there_is_no_model_is_one_clear_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    with pytest.raises(TierbotError, match=f"No model found in {tmp_path}"):
        tierbot.load(tmp_path)
    with pytest.raises(TierbotError, match=r"missing\.db"):
        tierbot.load(f"sqlite:///{tmp_path}/missing.db")
    card = tmp_path / "champion.json"
    card.write_text('{"id": "m0001", ')
    with pytest.raises(TierbotError, match=r"champion\.json is damaged"):
        tierbot.load(card)


def test_a_model_of_another_encoder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    with pytest.raises(TierbotError, match="trained with another encoder"):
        tierbot.load(Path("models/bootstrap.json"))
    assert tierbot.load("models").version == "cold", "a folder's shipped model gives way to the tags' descriptions"


def test_all_tables_are_typed_and_trainers_are_pseudonyms(played: str) -> None:
    ledger = tierbot.ledger(played)
    for name in ledger.tables:
        table = ledger.table(name)
        assert table.schema == ledger.schema(name) == getattr(ledger, name).schema
    assert ledger.events.num_rows == ledger.votes.num_rows == 12
    assert ledger.events.schema.field("happened_at").type == pa.timestamp("us", tz="UTC")
    trainers = set(ledger.votes["trainer"].to_pylist())
    assert len(trainers) == 2
    assert all(name.startswith("t-") for name in trainers)
    assert set(tierbot.ledger(played, identities=True).votes["trainer"].to_pylist()) == {"U1", "U2"}
    tags = ledger.verdicts.to_pandas(maps_as_pydicts="strict")["tags"]
    assert all(one == {"food": 1.0} for one in tags)
    ledger.close()


def test_batches_of_any_size_make_the_same_table(played: str) -> None:
    ledger = tierbot.ledger(played)
    for name in ledger.tables:
        whole = ledger.table(name)
        for rows in (1, 2, 3, 100):
            assert pa.Table.from_batches(ledger.batches(name, rows), schema=ledger.schema(name)) == whole
    ledger.close()


def test_a_table_that_there_is_none_of_lists_those_there_are(played: str) -> None:
    ledger = tierbot.ledger(played)
    with pytest.raises(TierbotError, match=r"Unknown table .reactions.\. Use one of: articles, predictions"):
        ledger.table("reactions")
    with pytest.raises(TierbotError, match="The database has no workspace T2; it has T1"):
        tierbot.ledger(played, workspace="T2")


def test_of_several_workspaces_one_is_named(harness: Harness, played: str) -> None:
    harness.bot.setup.prepare(Workspace("T2", "Other", harness.clock.now()), harness.bot.tags)
    for ask in (tierbot.load, tierbot.ledger):
        with pytest.raises(TierbotError, match="Choose one with TIERBOT_WORKSPACE"):
            ask(played)
    assert tierbot.load(played, workspace="T2").version == "m0001"
    assert tierbot.ledger(played, workspace="T2").votes.num_rows == 0


def test_the_examples_in_the_documentation_run(played: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIERBOT_ENCODER")
    document = DOCS / "python.md"
    failed, tried = doctest.testfile(str(document), module_relative=False, globs={"database": played})
    assert tried > 10
    assert failed == 0
