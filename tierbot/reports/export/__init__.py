"""Export the dataset in the formats of other tools, one module per kind of tool."""

from importlib.util import find_spec

from tierbot.domain.nouns import TierbotError
from tierbot.reports.export import (
    argilla,
    bandit,
    columnar,
    crowd,
    label_studio,
    prodigy,
    spacy,
    text,
    tuning,
    vowpal,
)
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
        crowd.CROWD,
        label_studio.LABEL_STUDIO,
        argilla.ARGILLA,
        prodigy.PRODIGY,
        prodigy.DOCCANO,
        spacy.SPACY,
        spacy.SPACY_LINES,
        tuning.TRL_SFT,
        tuning.TRL_PREFERENCE,
        tuning.OPENAI,
    )
}


def format_named(name: str) -> ExportFormat:
    """Return a format. Raises TierbotError if it is unknown or needs a package that isn't installed."""
    form = FORMATS.get(name)
    if form is None:
        raise TierbotError(f"Unknown format {name!r}. Use one of: {', '.join(FORMATS)}.")
    missing = [package for package in form.packages if find_spec(package) is None]
    if missing:
        raise TierbotError(f"The format {name} needs {' and '.join(missing)}. Run: pip install {form.install}.")
    return form
