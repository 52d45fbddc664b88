"""`tierbot import`: labeled archives and annotations, as rows to train on."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tierbot.cli.articles import print_problems, refuse_if_all_bad
from tierbot.cli.bulk import batches, progress
from tierbot.cli.output import AsJson, counted, err, out, print_json
from tierbot.cli.wiring import offline
from tierbot.domain.nouns import TierbotError

if TYPE_CHECKING:
    from tierbot.adapters.files.archives import ReadReport
    from tierbot.domain.articles.labels import LabelReport

_SHOWN = 20


_File = Annotated[
    Path,
    typer.Argument(
        help="JSONL, CSV or a JSON array (may be gzipped) or Parquet; also exports of Label Studio, Argilla, Prodigy, doccano."
    ),
]
_Renamed = Annotated[list[str] | None, typer.Option("--map", help="LABEL=TAG maps a label to a tag; may be repeated.")]
_Names = Annotated[
    Path | None,
    typer.Option("--names", help="Names of labels that are numbers: a file with one per line, from 0, or JSON."),
]


def import_(
    file: _File,
    preview: Annotated[bool, typer.Option("--preview", help="Show what would be imported; write nothing.")] = False,
    renamed: _Renamed = None,
    names: _Names = None,
    source: Annotated[str | None, typer.Option(help="The archive's name. [default: the file's name]")] = None,
    as_json: AsJson = False,
) -> None:
    """Import labeled articles: the next retraining learns from them, and colleagues aren't asked about them.

    A label may be a tag's id, name or emoji. If there are several annotators, at least half must agree. Importing the
    same file again changes nothing. A retraining uses up to 20,000 imported labels, a fixed random sample.

    Example: `tierbot import stories.parquet --preview --map "U.S. NEWS=us-politics"`
    """
    from tierbot.adapters.files.annotations import read_annotations
    from tierbot.adapters.files.archives import ReadReport, check_exists
    from tierbot.adapters.files.class_names import read_names
    from tierbot.app.slack_access import tags_in
    from tierbot.domain.articles.labels import LabelMatcher, LabelReport, labeled_articles

    check_exists(file)
    bot, workspace = offline()
    numbered = read_names(names) if names else {}
    matcher = LabelMatcher(tags_in(bot.store, workspace), dict(map(_renaming, renamed or ())), numbered)
    understood, report, now = LabelReport(), ReadReport(), datetime.now(UTC)
    kind, rows = read_annotations(file, now=now, report=report)
    found = labeled_articles(rows, matcher, source=source or file.name, now=now, report=understood)
    new, show = 0, progress("rows read")
    for batch in batches(found):
        show(report.rows, 0)
        if preview:
            continue
        with bot.store.begin(workspace) as tx:
            new += tx.articles.add([article for article, _ in batch])
            tx.given_labels.put([label for _, label in batch])
    if not preview and understood.labeled:
        err.print("Embedding …")
        bot.loop.embed(workspace)
    _say(file, kind, understood, report, new, preview=preview, as_json=as_json)
    refuse_if_all_bad(file, report)


def _renaming(text: str) -> tuple[str, str]:
    label, equals, tag = text.rpartition("=")
    if not equals or not label.strip() or not tag.strip():
        raise TierbotError(f"--map {text!r}: write LABEL=TAG, such as --map 'U.S. NEWS=us-politics'.")
    return label.strip(), tag.strip()


def _say(
    file: Path, kind: str, understood: "LabelReport", report: "ReadReport", new: int, *, preview: bool, as_json: bool
) -> None:
    print_problems(file, report)
    if as_json:
        print_json(
            {
                "kind": kind,
                "rows": report.rows + report.bad,
                "refused": report.bad,
                "labeled": understood.labeled,
                "unlabeled": understood.unlabeled,
                "unknown_only": understood.unknown_only,
                "further": understood.further,
                "new": new,
                "tags": dict(understood.tags.most_common()),
                "labels": understood.matched,
                "unknown": dict(understood.unknown.most_common()),
                "written": not preview,
            }
        )
        return
    lines = [
        f"{file}: {kind}, {counted(report.rows + report.bad, 'row')}, {report.bad} refused",
        (
            f"labeled      {understood.labeled}, without a label {understood.unlabeled}, "
            f"with unknown labels only {understood.unknown_only}"
            + (f", further annotations of the same articles {understood.further}" if understood.further else "")
        ),
    ]
    lines += [f"  {count:>8}  {tag}" for tag, count in understood.tags.most_common(_SHOWN)]
    if understood.unknown:
        lines.append("unknown labels (map them with --map LABEL=TAG)")
        lines += [f"  {count:>8}  {label}" for label, count in understood.unknown.most_common(_SHOWN)]
    lines += [f"such as      {title[:80]}  →  {', '.join(tags)}" for title, tags in understood.examples]
    learns = " `tierbot retrain` learns from them." if new else ""
    done = "Nothing was written." if preview else f"{counted(new, 'new article')}.{learns}"
    out.print("\n".join([*lines, done]))
