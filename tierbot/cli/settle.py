"""`tierbot settle`: aggregate a crowd's labels from plain (item, worker, label) data."""

from pathlib import Path
from typing import Annotated

import typer

from tierbot.cli.output import AsJson, err, out, print_json


def settle(
    labels: Annotated[Path, typer.Argument(help="CSV with item (or task), worker, label; may be gzipped.")],
    truth: Annotated[
        Path | None, typer.Option(help="CSV with item (or task), truth, to measure the crowd's accuracy.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="hierarchical, majority, or one of crowd-kit's, such as crowd-kit/mace. [default: hierarchical]"
        ),
    ] = None,
    answers: Annotated[bool, typer.Option("--answers", help="Print each item's label and confidence.")] = False,
    as_json: AsJson = False,
) -> None:
    """Settle a crowd's labels, and show how well its workers agree.

    Example: `tierbot settle web.label.csv --truth web.truth.csv --method majority`
    """
    from tierbot.adapters.files.crowd_files import read_truth, read_votes
    from tierbot.domain.feedback.crowd.aggregators import DEFAULT_METHOD
    from tierbot.domain.feedback.crowd.settling import settle_crowd

    table = read_votes(labels)
    report = settle_crowd(table, read_truth(truth) if truth else None, method or DEFAULT_METHOD)
    summary = report.summary()
    if answers:
        for item, label, confidence in report.answers():
            if as_json:
                print_json({"item": item, "label": label, "confidence": round(confidence, 4)})
            else:
                out.print(f"{item}\t{label}\t{confidence:.3f}")
        err.print(f"{summary['items']} items by {summary['workers']} workers, {summary['method']}")
    elif as_json:
        print_json(summary)
    else:
        for name, value in summary.items():
            out.print(f"{name.replace('_', ' '):<18} {_shown(value)}")


def _shown(value: object) -> str:
    """Write a figure for people; an accuracy or agreement that isn't known as a dash."""
    if isinstance(value, list):
        return "–".join(f"{one:.4f}" for one in value)
    return "–" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
