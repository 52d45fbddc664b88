"""Render the report as one HTML page that loads nothing from other servers and runs no script; all text is escaped."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources

from tierbot.domain.nouns import Estimate
from tierbot.reports.page.figures import Report
from tierbot.reports.page.sections import SECTIONS, Section
from tierbot.reports.page.svg import PATTERNS


def style() -> str:
    """Return the page's style sheet."""
    return resources.files("tierbot.reports.page").joinpath("style.css").read_text(encoding="utf-8")


def content_security_policy() -> str:
    """Return a policy that allows the page only its own style sheet (CSP level 3)."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def report_page(report: Report) -> str:
    """Return the report as HTML."""
    title = f"tierbot: {report.workspace}" if report.workspace else "tierbot"
    sections = "\n".join(_section(made) for make in SECTIONS if (made := make(report)) is not None)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(content_security_policy())}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>{escape(title)}</title>
<style>{style()}</style>
</head>
<body>
{PATTERNS}
<header>
<h1>{escape(title)}</h1>
<p>{escape(_covered(report))}</p>
</header>
{_numbers(report)}
<main>
{sections}
</main>
<footer>Intervals are 95%. Blank posts name and pre-fill no tag. Those counted here were selected at random, so they
measure the model without the pull of a pre-filled emoji.</footer>
</body>
</html>
"""


def _covered(report: Report) -> str:
    made = f"{report.made_at:%d %B %Y, %H:%M} UTC"
    if not report.rounds:
        return f"No round has been opened yet. {made}."
    first, last = report.rounds[0].number, report.rounds[-1].number
    return f"{'Round' if first == last else 'Rounds'} {first}{'' if first == last else f' to {last}'}. {made}."


def _numbers(report: Report) -> str:
    latest = next((one for one in reversed(report.rounds) if one.all.n), None)
    champion = report.champion
    nothing = Estimate.of_share(0, 0)
    cells = [
        ("right, all posts", *_share(latest.all if latest else nothing)),
        ("right, blank posts", *_share(latest.blank if latest else nothing)),
        ("verdicts", f"{report.verdicts:,}", f"of {report.posts:,} posts, {report.abstained:,} abstained"),
        ("votes", f"{report.votes:,}", f"by {len(report.trainers)} trainers"),
        ("model in service", *((champion.id, f"since {champion.created_at:%d %b}") if champion else ("–", ""))),
    ]
    listed = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(note)}</small></dd></div>"
        for name, value, note in cells
    )
    return f'<dl class="numbers">{listed}</dl>'


def _share(estimate: Estimate) -> tuple[str, str]:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "–", "nothing settled yet"
    return f"{100 * estimate.value:.0f}%", f"{100 * estimate.low:.0f}–{100 * estimate.high:.0f}, n = {estimate.n}"


def _section(section: Section) -> str:
    numbers = _table(section.columns, section.rows) if section.rows else ""
    return f"<section>\n<h2>{escape(section.title)}</h2>\n<p>{escape(section.words)}</p>\n{section.drawing}\n{numbers}</section>"


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return (
        '<details><summary>The numbers</summary><div class="wide"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></details>\n"
    )
