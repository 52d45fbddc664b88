"""`tierbot export` from end to end: settled first, pseudonymous, with a card beside it and a cursor for next time."""

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from tests.conftest import WORKSPACE, build_harness
from tests.support.paths import DOCS
from tierbot.adapters.store import open_store
from tierbot.cli.app import app
from tierbot.domain.nouns import ReactionEvent
from tierbot.reports.dictionary import data_dictionary
from tierbot.reports.export import FORMATS


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Make a database in which colleagues have voted on three of four posts; return it with the fourth post's ts."""
    folder = tmp_path_factory.mktemp("played")
    harness = build_harness(folder)
    posts = harness.posts(4)
    harness.know("UANNA", "UBEN")
    for ts in posts[:3]:
        for user in ("UANNA", "UBEN"):
            harness.react(user, ts, harness.emoji(ts))
    harness.bot.close()
    return folder / "test.db", posts[3]


@pytest.fixture
def played(template: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Copy that database; return its address."""
    shutil.copy(template[0], tmp_path / "test.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIERBOT_ENCODER", "hashing")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/test.db")
    return f"sqlite:///{tmp_path}/test.db"


def run(*arguments: str):
    result = CliRunner().invoke(app, ["export", *arguments])
    assert result.exit_code == 0, result.exception
    return result


def test_an_export_settles_first_and_writes_rows_and_card(played: str) -> None:
    said = json.loads(run("--json").stdout)
    assert (said["file"], said["rows"], said["votes"]) == ("tierbot.jsonl", 3, 6)
    rows = [json.loads(line) for line in Path("tierbot.jsonl").read_text().splitlines()]
    assert {row["outcome"] for row in rows} == {"named"}
    card = Path("tierbot.jsonl.md").read_text()
    assert "6 by 2 trainers" in card
    assert f"`{said['cursor']}`" in card


def test_trainers_are_the_same_pseudonyms_every_time_and_user_ids_only_when_asked_for(played: str) -> None:
    run("--out", "1.jsonl")
    run("--out", "2.jsonl")
    run("--out", "3.jsonl", "--identities")
    first, second, known = (Path(f"{n}.jsonl").read_text() for n in (1, 2, 3))
    assert first == second
    assert "UANNA" not in first
    assert "UANNA" in known
    pseudonyms = set(re.findall(r"t-[0-9a-f]{16}", first))
    assert len(pseudonyms) == 2
    store = open_store(played)
    with store.read(WORKSPACE) as tx:
        key = tx.workspaces.pseudonym_key()
    store.close()
    assert len(bytes.fromhex(key)) == 32
    assert key not in first + Path("1.jsonl.md").read_text()


def test_the_cursor_gives_only_what_settled_since(played: str, template: tuple[Path, str]) -> None:
    cursor = json.loads(run("--json").stdout)["cursor"]
    assert json.loads(run("--json", "--since", str(cursor)).stdout)["rows"] == 0
    store, now = open_store(played), datetime.now(UTC)
    with store.begin(WORKSPACE) as tx:
        tx.ledger.append(ReactionEvent("Ev99", "C1", template[1], "UANNA", "+1", True, now, now))
    store.close()
    assert json.loads(run("--json", "--since", str(cursor)).stdout)["rows"] == 1


def test_an_export_to_standard_output_can_be_piped(played: str) -> None:
    result = run("--out", "-", "--json")
    assert len([json.loads(line) for line in result.stdout.splitlines()]) == 3
    assert "--since" in result.stderr


def test_a_folder_of_hugging_face_has_its_card_inside_and_is_replaced_by_the_next(played: str) -> None:
    datasets = pytest.importorskip("datasets", reason="needs pip install '.[export]'")
    run("--format", "hf")
    run("--format", "hf", "--arm", "tier", "--arm", "basic", "--arm", "blank")
    assert datasets.load_dataset("./tierbot-dataset", split="train", cache_dir="cache").num_rows == 3
    assert Path("tierbot-dataset/README.md").read_text().startswith("---\n")


def test_the_card_of_a_folder_tells_the_hub_license_task_language_and_size(played: str) -> None:
    pytest.importorskip("pyarrow", reason="needs pip install '.[export]'")
    from huggingface_hub import DatasetCard

    run("--format", "hf")
    card = DatasetCard.load("tierbot-dataset/README.md").data
    assert (card.license, card.language, card.size_categories) == ("other", ["en"], ["n<1K"])
    assert card.license_name == "as-each-article"
    assert card.task_categories == ["text-classification"]
    (data,) = card.configs[0]["data_files"]
    assert (Path("tierbot-dataset") / data["path"]).is_file()
    run("--format", "hf", "--license", "cc-by-4.0", "--language", "de", "--language", "en")
    card = DatasetCard.load("tierbot-dataset/README.md").data.to_dict()
    assert (card["license"], card["language"], "license_name" in card) == ("cc-by-4.0", ["de", "en"], False)


def test_the_help_of_format_names_every_format() -> None:
    (option,) = [one for one in get_command(app).commands["export"].params if one.name == "form"]
    words = set(re.findall(r"[\w-]+", option.help))
    assert set(FORMATS) <= words


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--tag", "nonsense"), "nonsense"),
        (("--format", "xls"), "parquet"),
        (("--format", "hf", "--out", "-"), "folder"),
        (("--since", "999"), "--since"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(played: str, arguments: tuple[str, ...], says: str) -> None:
    result = CliRunner().invoke(app, ["export", *arguments])
    assert result.exit_code == 1
    assert says in str(result.exception)
    assert {path.name.partition("-")[0] for path in Path().iterdir()} == {"test.db"}


def test_the_dictionary_in_the_docs_is_the_one_that_the_code_makes() -> None:
    kept = DOCS / "data-dictionary.md"
    assert kept.read_text(encoding="utf-8") == data_dictionary()
    assert run("--dictionary").stdout == data_dictionary()


@pytest.mark.parametrize("form", ["jsonl", "csv", "hf"])
def test_only_its_owner_may_read_an_export_with_identities(played: str, form: str) -> None:
    if form == "hf":
        pytest.importorskip("datasets", reason="needs pip install '.[export]'")
    run("--format", form, "--out", "named", "--identities")
    run("--format", form, "--out", "others")
    places = [Path("named"), *Path("named").rglob("*")]
    assert [one for one in places if one.stat().st_mode & 0o077] == []
    assert Path("others").stat().st_mode & 0o044
