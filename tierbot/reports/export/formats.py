"""Finds an export format by name."""

from importlib.util import find_spec

from tierbot.domain.nouns import TierbotError
from tierbot.reports.export import bandit, columnar, crowd, label_studio, text, vowpal
from tierbot.reports.export.format import ExportFormat

FORMATS: dict[str, ExportFormat] = {
    form.name: form
    for form in (
        text.JSONL,
        text.CSV,
        columnar.PARQUET,
        columnar.HUGGING_FACE,
        vowpal.VOWPAL,
        bandit.OPEN_BANDIT,
        label_studio.LABEL_STUDIO,
        crowd.CROWD,
    )
}


def format_named(name: str) -> ExportFormat:
    """Return a format. Raises TierbotError if it is unknown, or if a package that it needs is missing."""
    form = FORMATS.get(name)
    if form is None:
        raise TierbotError(f"Unknown format {name!r}. Choose one of: {', '.join(FORMATS)}.")
    missing = [package for package in form.packages if find_spec(package) is None]
    if missing:
        raise TierbotError(
            f"The format {name} needs {' and '.join(missing)}. Install what exports need: pip install 'tierbot[export]'."
        )
    return form
