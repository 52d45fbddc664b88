"""Every format is read by the package that it is made for, named here with its version, older ones fail.

CI installs the large ones in a step of their own, from tests/consumers.txt.
"""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.reports.export.conftest import COUNT
from tests.support.consumers import consumer
from tests.support.imports import Read
from tests.support.logged import TAGS, TEAM, TOPICS, exported, log_store
from tierbot.adapters.store import SqlStore
from tierbot.domain.articles.annotated import agreed
from tierbot.domain.nouns import Outcome
from tierbot.reports.dataset import tags_by_trainer
from tierbot.reports.export.argilla import PLACEHOLDER, QUESTION
from tierbot.reports.export.label_studio import labeling_config
from tierbot.reports.flat import FLAT, labels_of


@pytest.fixture
def written(store: SqlStore, tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a format and returns its path."""

    def write(form: str, name: str = "d") -> Path:
        exported(store, form, tmp_path / name)
        return tmp_path / name

    return write


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# --- tables ---------------------------------------------------------------------------------------


def check_table(records: list[dict], rows: list[dict]) -> None:
    """Compare a table that another reader made of the CSV file with the rows; a missing value is None."""
    assert list(records[0]) == [column.name for column in FLAT]
    for found, row in zip(records, rows, strict=True):
        assert found["label"] == next(iter(labels_of(row)), None)
        assert found["asked_at"].timestamp() == row["asked_at"].timestamp()
        assert found["p_action"] == pytest.approx(row["probabilities"][row["action"]])
        assert (found["voters"], found["reward"]) == (row["voters"], pytest.approx(row["reward"]))
        assert not any(isinstance(cell, str) and cell.startswith(("{", "[")) for cell in found.values())


def test_pandas_2_2_reads_the_csv_without_parsing_a_cell(written, rows: list[dict]) -> None:
    pandas = consumer("pandas", "2.2")
    frame = pandas.read_csv(written("csv"), parse_dates=["asked_at", "posted_at", "settled_at"])
    assert frame["settled_at"].dt.tz is not None
    check_table(frame.astype(object).where(frame.notna(), None).to_dict("records"), rows)


def test_polars_2_1_reads_the_csv_without_parsing_a_cell(written, rows: list[dict]) -> None:
    polars = consumer("polars", "2.1")
    check_table(polars.read_csv(written("csv"), try_parse_dates=True).to_dicts(), rows)
    assert polars.read_parquet(written("parquet", "p"))["label"].list.len().sum() == sum(
        len(row["label"]) for row in rows
    )


def test_duckdb_2_0_reads_the_csv_without_parsing_a_cell(written, rows: list[dict]) -> None:
    duckdb = consumer("duckdb", "2.0")
    found = duckdb.read_csv(str(written("csv")))
    check_table([dict(zip(found.columns, one, strict=True)) for one in found.fetchall()], rows)
    counted = duckdb.read_parquet(str(written("parquet", "p"))).aggregate("count(*) FILTER (len(label) > 0)")
    assert counted.fetchall() == [(sum(bool(row["label"]) for row in rows),)]


def test_datasets_4_0_loads_the_folder_with_typed_features(written, rows: list[dict], tmp_path: Path) -> None:
    datasets = consumer("datasets", "4.0")
    folder = written("hf")
    loaded = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.num_rows == COUNT
    assert loaded.features["propensity"].dtype == "float64"
    assert loaded.features["asked_at"].dtype == "timestamp[us, tz=UTC]"
    first = loaded[0]
    assert first["action"] == rows[0]["action"]
    assert {one["tag"]: one["value"] for one in first["probabilities"]} == rows[0]["probabilities"]


# --- crowds ---------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # crowd-kit 1.4 with pandas 3.1
def test_crowd_kit_1_4_aggregates_the_votes_to_the_label_that_most_voted_for(written, rows: list[dict]) -> None:
    crowdkit = consumer("crowd-kit", "1.4", "crowdkit.aggregation")
    pandas = consumer("pandas", "2.2")
    settled = crowdkit.MajorityVote().fit_predict(pandas.read_csv(written("crowd")))
    for row in rows:
        assert row["support"][settled[row["post_id"]]] == max(row["support"].values())


# --- annotation tools -----------------------------------------------------------------------------


def test_label_studio_sdk_2_1_takes_tasks_annotations_and_predictions(
    written, rows: list[dict], tmp_path: Path
) -> None:
    interface = consumer("label-studio-sdk", "2.1", "label_studio_sdk.label_interface")
    from label_studio_sdk.converter import Converter

    path = written("label-studio")
    studio = interface.LabelInterface(labeling_config(TAGS))
    tasks = json.loads(path.read_text())
    assert len(tasks) == COUNT
    for task, row in zip(tasks, rows, strict=True):
        assert studio.validate_task({"data": task["data"]})
        assert all(studio.validate_annotation(one) for one in task["annotations"])
        assert all(studio.validate_prediction(one) for one in task["predictions"])
        assert len(task["annotations"]) == len(tags_by_trainer(row))

    Converter(labeling_config(TAGS), project_dir=None).convert_to_json_min(
        str(path), str(tmp_path / "min"), is_dir=False
    )
    (result,) = (tmp_path / "min").iterdir()
    chosen: dict[str, list[list[str]]] = {}
    for flat in json.loads(result.read_text()):
        topics = flat.get("topics", {"choices": []})
        chosen.setdefault(flat["post_id"], []).append(topics["choices"] if isinstance(topics, dict) else [topics])
    for row in rows:
        named = [tags for tags in tags_by_trainer(row).values() if tags]
        assert sorted(tags for tags in chosen[row["post_id"]] if tags) == sorted(named)


def argilla_server(request: httpx.Request) -> httpx.Response:
    """Answer for a server what the SDK asks at the start: who it is."""
    now = "2026-01-01T00:00:00"
    me = {
        "id": PLACEHOLDER,
        "username": "anna",
        "role": "owner",
        "first_name": "Anna",
        "inserted_at": now,
        "updated_at": now,
    }
    return httpx.Response(200, json=me if request.url.path.endswith("/me") else {"items": []})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_argilla_2_8_takes_records_with_responses_and_suggestions(written, rows: list[dict]) -> None:
    rg = consumer("argilla", "2.8")
    client = rg.Argilla("http://argilla.example", "key", mounts={"http://": httpx.MockTransport(argilla_server)})
    question = rg.MultiLabelQuestion(QUESTION, labels=[tag.id for tag in TAGS], client=client)
    fields = [rg.TextField("title", client=client), rg.TextField("text", required=False, client=client)]
    dataset = rg.Dataset("tier", settings=rg.Settings(fields, [question]), client=client)
    records = [rg.Record.from_dict(one) for one in json.loads(written("argilla").read_text())]
    assert len(dataset.records._ingest_records(records, user_id=client.me.id)) == COUNT
    for record, row in zip(records, rows, strict=True):
        assert record.api_model().model_dump(mode="json")["external_id"] == row["post_id"]
        assert record.fields.to_dict() == {"title": row["title"], "text": row["text"]}
        assert [one.value for one in record.responses] == ([labels_of(row)] if row["label"] else [])
        (suggestion,) = record.suggestions
        assert (suggestion.value, suggestion.agent) == ([row["top_tag"]], row["model"])


def test_what_label_studio_sdk_2_1_exports_is_imported_with_the_labels_that_half_of_the_trainers_gave(
    written, rows: list[dict], tmp_path: Path
) -> None:
    consumer("label-studio-sdk", "2.1", "label_studio_sdk")
    from label_studio_sdk.converter import Converter

    converter, path = Converter(labeling_config(TAGS), project_dir=None), written("label-studio")
    tasks = json.loads(path.read_text())
    for task in tasks:  # as if people had annotated them there: without our own label
        task["data"] = {"review": task["data"]["content"]}
    path.write_text(json.dumps(tasks))
    converter.convert_to_json_min(str(path), str(tmp_path / "min"), is_dir=False)
    converter.convert_to_csv(str(path), str(tmp_path / "csv"), is_dir=False, sep=",")
    given = [[tags for tags in tags_by_trainer(row).values() if tags] for row in rows]
    labels = [set(agreed(one)) for one in given]
    assert Read(path).labels == [one for one in labels if one]
    for folder in ("min", "csv"):
        (result,) = (tmp_path / folder).iterdir()
        found = Read(result)
        assert found.labels == [one for one in labels if one]
        assert found.adds_up()
        assert found.understood.further > COUNT


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_argilla_2_8_exports_is_imported_with_the_same_labels(written, rows: list[dict], tmp_path: Path) -> None:
    rg = consumer("argilla", "2.8")
    from argilla.records._io import GenericIO, JsonIO

    records = [rg.Record.from_dict(one) for one in json.loads(written("argilla").read_text())]
    labels = [set(row["label"]) for row in rows if row["label"]]
    assert Read(JsonIO.to_json(records, tmp_path / "records.json")).labels == labels
    flat = GenericIO.to_list(records, flatten=True)
    (tmp_path / "flat.jsonl").write_text("\n".join(map(json.dumps, flat)))
    assert Read(tmp_path / "flat.jsonl").labels == labels


@pytest.mark.parametrize(("form", "field"), [("prodigy", "accept"), ("doccano", "label")])
def test_srsly_2_5_reads_prodigys_and_doccanos_lines(written, rows: list[dict], form: str, field: str) -> None:
    srsly = consumer("srsly", "2.5")  # with which Prodigy reads its files
    found = list(srsly.read_jsonl(written(form)))
    assert [one[field] for one in found] == [labels_of(row) for row in rows]
    if form == "prodigy":
        assert {option["id"] for one in found for option in one["options"]} == set(TOPICS)
        assert {one["answer"] for one in found} == {"accept"}


# --- training -------------------------------------------------------------------------------------


def test_spacy_3_8_trains_a_text_classifier_on_both_forms(written, rows: list[dict]) -> None:
    spacy = consumer("spacy", "3.8")
    from spacy.tokens import DocBin
    from spacy.training import Corpus, Example

    nlp = spacy.blank("en")
    classifier = nlp.add_pipe("textcat_multilabel")
    path = written("spacy", "d.spacy")
    examples = list(Corpus(path)(nlp))
    assert [one.reference.cats for one in examples] == [
        {tag: float(tag in row["label"]) for tag in TOPICS} for row in rows
    ]
    assert len(list(DocBin().from_disk(path).get_docs(nlp.vocab))) == COUNT
    same = [
        Example.from_dict(nlp.make_doc(one["text"]), {"cats": one["cats"]}) for one in lines(written("spacy-jsonl"))
    ]
    assert [(one.reference.text, one.reference.cats) for one in same] == [
        (one.reference.text, one.reference.cats) for one in examples
    ]
    nlp.initialize(lambda: examples)
    assert set(classifier.labels) == set(TOPICS)
    first, *_, last = [nlp.update(examples, losses={})["textcat_multilabel"] for _ in range(8)]
    assert last < first


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize(("form", "kind"), [("trl-sft", "SFT"), ("trl-preference", "DPO"), ("openai", "SFT")])
def test_trl_1_16_trains_a_step_on_prompts_preferences_and_chats(written, tmp_path: Path, form: str, kind: str) -> None:
    trl = consumer("trl", "1.16")
    from datasets import load_dataset

    loaded = load_dataset("json", data_files=str(written(form)), split="train", cache_dir=str(tmp_path / "cache"))
    model, tokenizer = small_model(tmp_path / "model")
    options = {"output_dir": str(tmp_path / "out"), "max_steps": 1, "per_device_train_batch_size": 2, "use_cpu": True}
    config = getattr(trl, f"{kind}Config")(report_to=[], save_strategy="no", max_length=512, bf16=False, **options)
    trainer = getattr(trl, f"{kind}Trainer")(model=model, args=config, train_dataset=loaded, processing_class=tokenizer)
    assert trainer.train().training_loss > 0


def small_model(folder: Path):
    """Return the path of a GPT-2 of one layer with random weights, and a tokenizer of bytes: nothing is downloaded."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    names = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "<pad>", "<end>"]
    tokenizer = Tokenizer(models.BPE({name: number for number, name in enumerate(names)}, []))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>")
    wrapped.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    ends = {
        "bos_token_id": wrapped.eos_token_id,
        "eos_token_id": wrapped.eos_token_id,
        "pad_token_id": wrapped.pad_token_id,
    }
    config = GPT2Config(vocab_size=len(names), n_positions=1024, n_embd=16, n_layer=1, n_head=2, **ends)
    GPT2LMHeadModel(config).save_pretrained(folder)
    return str(folder), wrapped


def test_vowpal_wabbit_9_10_trains_on_it_and_its_progressive_loss_falls(tmp_path: Path) -> None:
    vw = consumer("vowpalwabbit", "9.10")
    store = log_store(600, seed=1)
    exported(store, "vw", tmp_path / "d.vw")
    examples = (tmp_path / "d.vw").read_text().strip().split("\n\n")
    with store.read(TEAM) as tx:
        settled = [item for item in tx.verdicts.settled() if item.verdict.outcome is not Outcome.ABSTAINED]
    assert len(examples) == len(settled) > 590
    learner = vw.Workspace("--cb_explore_adf --cb_type mtr -q wt --epsilon 0.05 --quiet")
    losses = []
    for example in examples:
        before = learner.get_sum_loss()
        parsed = learner.parse(example.split("\n"), vw.LabelType.CONTEXTUAL_BANDIT)
        learner.learn(parsed)
        learner.finish_example(parsed)
        losses.append(learner.get_sum_loss() - before)
    store.close()
    assert np.mean(losses[-200:]) < 0.8 * np.mean(losses[:200])


def test_a_preference_prefers_the_label_to_the_tag_that_was_shown(written, rows: list[dict]) -> None:
    pairs = [(one["chosen"], one["rejected"]) for one in lines(written("trl-preference"))]
    wrong = [row for row in rows if row["arm"] != "blank" and row["action"] not in row["label"]]
    assert pairs == [(f" {', '.join(labels_of(row))}", f" {row['action']}") for row in wrong]
    assert 0 < len(pairs) < COUNT


def test_openai_3_57_knows_every_message_as_one_of_its_own(written, rows: list[dict]) -> None:
    consumer("openai", "3.57")
    from openai.types.chat import ChatCompletionMessageParam
    from pydantic import TypeAdapter

    messages = TypeAdapter(list[ChatCompletionMessageParam])
    chats = lines(written("openai"))
    for chat, row in zip(chats, rows, strict=True):
        assert list(chat) == ["messages"]
        messages.validate_python(chat["messages"])
        assert [one["role"] for one in chat["messages"]] == ["system", "user", "assistant"]
        assert chat["messages"][-1]["content"] == ", ".join(labels_of(row))
