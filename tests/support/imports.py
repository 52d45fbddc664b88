"""Reads a labeled archive as `tierbot import` does, and builds the records of annotation tools."""

from datetime import UTC, datetime
from pathlib import Path

from tests.support.logged import TAGS
from tierbot.adapters.files.annotations import read_annotations
from tierbot.adapters.files.archives import ReadReport
from tierbot.domain.articles.labels import LabelMatcher, LabelReport, labeled_articles
from tierbot.domain.tags import TagSpace

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Read:
    """What an import of a file understood."""

    def __init__(
        self,
        path: Path,
        renamed: dict[str, str] | None = None,
        names: dict[str, str] | None = None,
        tags: TagSpace = TAGS,
    ) -> None:
        self.report, self.understood = ReadReport(), LabelReport()
        self.kind, rows = read_annotations(path, now=NOW, report=self.report)
        found = labeled_articles(
            rows, LabelMatcher(tags, renamed or {}, names), source="s", now=NOW, report=self.understood
        )
        self.labels = [set(label.tags) for _, label in found]

    @property
    def faults(self) -> list[str]:
        return [f"{bad.line}: {bad.why}" for bad in self.report.examples]

    def adds_up(self) -> bool:
        """Return whether each usable row is counted once."""
        one = self.understood
        return self.report.rows == one.labeled + one.unlabeled + one.unknown_only + one.further


def read(tmp_path: Path, content: str | bytes, **options) -> Read:
    path = tmp_path / "archive"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = Read(path, **options)
    assert found.adds_up()
    return found


# --- records of annotation tools ---------------------------------------------------------------------


def studio(*annotations: dict, data: dict | None = None, **more: object) -> dict:
    return {"id": 1, "data": data or {"text": "x"}, "annotations": list(annotations), **more}


def said(*results: dict, **more: object) -> dict:
    return {"result": list(results), **more}


def choices(*names: str) -> dict:
    return {"from_name": "topic", "to_name": "text", "type": "choices", "value": {"choices": list(names)}}


def taxonomy(*paths: list[str]) -> dict:
    return {"from_name": "topic", "to_name": "text", "type": "taxonomy", "value": {"taxonomy": list(paths)}}


def flat(**fields: object) -> dict:
    own = {"annotator": 1, "annotation_id": 7, "created_at": "2026-01-01T00:00:00Z", "updated_at": "", "lead_time": 1.5}
    return {"text": "x", "id": 3, **fields, **own}


def argilla(*values: object, **more: object) -> dict:
    answers = [{"value": value, "user_id": str(number)} for number, value in enumerate(values)]
    return {"id": "a", "fields": {"text": "x"}, "responses": {"topic": answers}, "suggestions": {}, **more}


OPTIONS = [{"id": 1, "text": "food"}, {"id": 2, "text": "law"}]
NER = {"from_name": "n", "to_name": "text", "type": "labels", "value": {"start": 0, "end": 1, "labels": ["food"]}}
