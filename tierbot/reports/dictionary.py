"""Writes the data dictionary (docs/data-dictionary.md) and each export's card from the column definitions."""

from collections.abc import Iterable, Mapping, Sequence

from tierbot.domain.tags import TagSpace
from tierbot.reports.dataset import COLUMNS, FORMAT, ColumnKind, Only
from tierbot.reports.export import FORMATS, ExportFormat, Written
from tierbot.reports.export.label_studio import labelling_config

_KINDS = {
    ColumnKind.TEXT: "text",
    ColumnKind.INTEGER: "integer",
    ColumnKind.NUMBER: "number",
    ColumnKind.TIME: "time",
    ColumnKind.SHARES: "tag → number",
    ColumnKind.COUNTS: "tag → integer",
    ColumnKind.VOTES: "list of votes",
}
_MOST_LISTED = 100


def data_dictionary() -> str:
    """Return the data dictionary as Markdown."""
    columns = _table(
        ("column", "type", "may be missing", "meaning"),
        [(f"`{c.name}`", _KINDS[c.kind], "yes" if c.nullable else "", c.meaning) for c in COLUMNS],
    )
    formats = [f"**`{form.name}`** {form.about}" for form in FORMATS.values()]
    return (
        "\n\n".join(
            [
                "# Data dictionary",
                "<!-- Made by `tierbot export --dictionary`; a test holds the two equal. -->",
                (
                    f"`tierbot export` writes one row per post with votes, as of its newest verdict (`{FORMAT}`; "
                    "columns may be added under that name, but are never renamed or given another type). Rows are in the order in "
                    "which posts settled. The formats `jsonl`, `csv`, `parquet` and `hf` have these columns; the others are "
                    "described below."
                ),
                columns,
                "## Formats",
                *formats,
                "## Who voted",
                (
                    "Trainers are pseudonymized: a keyed hash (BLAKE2b) replaces the Slack user id. The secret key is created at the "
                    "workspace's first export and stays in its database, so a trainer has the same pseudonym in every export. "
                    "`--identities` writes user ids instead. The times of votes and the articles are unchanged, so people who "
                    "can read the channel can still find out who voted."
                ),
                "## Incremental exports",
                (
                    "Each export prints a cursor. `tierbot export --since CURSOR` writes only what has settled since. A post that "
                    "settled again has the same `post_id`; its newest row counts."
                ),
            ]
        )
        + "\n"
    )


def dataset_card(written: Written, form: ExportFormat, only: Only, tags: TagSpace, about: Mapping[str, str]) -> str:
    """Return the card of one export as Markdown, after Gebru et al., "Datasheets for Datasets" (CACM 2021).

    about: what only the caller knows (workspace, time, version, how trainers are named), in order.
    """
    facts = {
        **about,
        "format": f"`{form.name}`, `{FORMAT}`",
        "filters": str(only),
        "rows": f"{written.rows:,}",
        "votes": f"{written.votes:,} by {written.trainers:,} trainers",
        "asked": f"{written.first} to {written.last}" if written.first else "–",
        "next cursor": f"`{written.cursor}`",
    }
    parts = [
        "# A TIER dataset",
        (
            "Articles that a bot posted with a topic as an emoji, and the emoji that colleagues answered with: contexts, "
            "actions with propensities, rewards and labels. Made by tierbot."
        ),
        _table(("", ""), facts.items()),
        "## How to read it",
        form.about,
        *([_columns()] if form.columns else []),
        *(["```xml\n" + labelling_config(tags) + "```"] if form.name == "label-studio" else []),
        "## Contents",
        _counted("arm", written.arms),
        _counted("outcome", written.outcomes),
        _counted("model", written.models),
        _counted("label", written.labels),
        "## Before you use it",
        _CAVEATS,
        *(f"- {note}" for note in written.notes),
    ]
    front = '---\nconfigs:\n- config_name: default\n  data_files: "*.arrow"\n---\n\n' if form.folder else ""
    return front + "\n\n".join(parts) + "\n"


_CAVEATS = """\
- A pre-filled emoji attracts clicks. Accuracy and rewards of the arms `tier` and `basic` overestimate the action;
  the arm `blank` with selection `random` is the unbiased sample.
- Posts without votes are left out.
- Divide by `propensity` for off-policy estimates; articles were selected with `selection_probability`.
- A verdict is what colleagues agreed on. Its `weight` grows with their number; abstentions carry no label.
- The articles belong to their authors."""


def _columns() -> str:
    return _table(("column", "type", "meaning"), [(f"`{c.name}`", _KINDS[c.kind], c.meaning) for c in COLUMNS])


def _counted(what: str, counts: Mapping[str, int]) -> str:
    shown = list(counts.items())[:_MOST_LISTED]
    return _table((what, "rows"), [(_plain(name), f"{count:,}") for name, count in shown]) if shown else f"No {what}."


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
