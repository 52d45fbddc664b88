"""Export for spaCy's text classifiers: documents with `cats`, as JSON lines or as the DocBin that `spacy train` reads."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tierbot.domain.nouns import Outcome
from tierbot.reports.dataset import Row, content_of
from tierbot.reports.export.format import ExportFormat, Surroundings
from tierbot.reports.export.json_files import write_lines


def _cats(row: Row, tags: Sequence[str]) -> dict[str, float] | None:
    """Return 1 for true tags and 0 for others. A tag that nobody spoke of is left out if the verdict names none."""
    if row["outcome"] == Outcome.NAMED:
        return {tag: float(tag in row["label"]) for tag in tags}
    return {row["action"]: 0.0} if row["outcome"] == Outcome.WRONG else None


class _Documents:
    """Iterates over rows that teach something, and counts the others."""

    def __init__(self, rows: Iterable[Row], around: Surroundings) -> None:
        self._rows, self._tags = rows, [tag.id for tag in around.tags]
        self._left_out = 0

    def __iter__(self) -> Any:
        for row in self._rows:
            cats = _cats(row, self._tags)
            if cats is None:
                self._left_out += 1
            else:
                yield row, cats

    @property
    def notes(self) -> list[str]:
        return [f"Left out {self._left_out} rows without a verdict."] if self._left_out else []


def _write_lines(rows: Iterable[Row], path: Path, around: Surroundings) -> list[str]:
    documents = _Documents(rows, around)
    write_lines(
        ({"text": content_of(row), "cats": cats, "meta": {"post_id": row["post_id"]}} for row, cats in documents), path
    )
    return documents.notes


def _write_binary(rows: Iterable[Row], path: Path, around: Surroundings) -> list[str]:
    import spacy  # noqa: PLC0415 - heavy, and only this format needs it
    from spacy.tokens import DocBin  # noqa: PLC0415

    tokenize, binary = spacy.blank("xx").make_doc, DocBin(attrs=["ORTH"])
    documents = _Documents(rows, around)
    for row, cats in documents:
        doc = tokenize(content_of(row))
        doc.cats = cats
        binary.add(doc)
    binary.to_disk(path)
    return documents.notes


_CATS = (
    "`cats` has 1 for each tag of the label and 0 for all others. If the verdict is that the action is wrong, it has 0 for the action "
    "and nothing for the others, which `textcat_multilabel` treats as missing. Abstentions are left out."
)
SPACY = ExportFormat(
    name="spacy",
    suffix=".spacy",
    about=f"A DocBin for `spacy train` with the component `textcat_multilabel`; each document is title and text. {_CATS} Needs spaCy, and "
    "memory for all documents.",
    write=_write_binary,
    packages=("spacy",),
    install="spacy",
)
SPACY_LINES = ExportFormat(
    name="spacy-jsonl",
    suffix=".spacy.jsonl",
    about=f'The same as JSON lines; turn each line into an example with `Example.from_dict(nlp.make_doc(text), {{"cats": cats}})`. {_CATS}',
    write=_write_lines,
)
