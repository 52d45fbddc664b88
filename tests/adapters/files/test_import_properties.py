"""What is exported comes back with the same labels; any file is read, or refused in one sentence."""

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.files_of_any_kind import FILES
from tests.support.imports import Read
from tests.support.logged import NAMES, TAGS, TEAM, log_store
from tierbot.domain.articles.cleaning import clean
from tierbot.domain.articles.rows import ArchiveError
from tierbot.reports.dataset import Only, row_of, settled_posts
from tierbot.reports.export import FORMATS
from tierbot.reports.export.format import Surroundings

# --- there and back --------------------------------------------------------------------------------

TEXTS = st.text(max_size=30).map(clean)  # as articles are stored
TITLES = TEXTS.filter(bool)
LABELS = st.dictionaries(st.sampled_from([tag.id for tag in TAGS]), st.floats(0.01, 1), max_size=3)
BACK = ("jsonl", "csv", "label-studio", "argilla", "prodigy", "doccano", "spacy-jsonl")


@pytest.fixture(scope="module")
def pattern() -> dict:
    """Return a row of the dataset."""
    store = log_store(1)
    with store.read(TEAM) as tx:
        (item,) = settled_posts(tx, Only(), NAMES)
    store.close()
    return row_of(item)


@pytest.mark.parametrize("form", BACK)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TITLES, TEXTS, LABELS), min_size=1, max_size=4))
def test_an_export_comes_back_with_the_same_labels(
    tmp_path: Path, pattern: dict, form: str, posts: list[tuple[str, str, dict[str, float]]]
) -> None:
    rows = [
        {
            **pattern,
            "title": title,
            "text": text,
            "url": "",
            "label": label,
            "outcome": "named" if label else "abstained",
        }
        for title, text, label in posts
    ]
    FORMATS[form].write(rows, tmp_path / "d", Surroundings(TAGS, lambda _: {}, 0))
    found = Read(tmp_path / "d")
    assert found.labels == [set(label) for _, _, label in posts if label]
    assert (found.faults, found.adds_up()) == ([], True)


# --- anything ------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES, st.booleans())
def test_any_file_is_read_or_refused_in_one_sentence_and_its_counts_add_up(
    tmp_path: Path, data: bytes, packed: bool
) -> None:
    path = tmp_path / "any"
    path.write_bytes(gzip.compress(data) if packed else data)
    try:
        found = Read(path)
    except ArchiveError as fault:
        refusal = str(fault)
    else:
        refusal = ""
        assert found.adds_up()
        assert len(found.labels) == found.understood.labeled
    assert not refusal or refusal.startswith(str(path))
