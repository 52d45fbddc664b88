"""The page: from a real log, whole in itself, safe with hostile words, and legible in a real browser."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.support.browser import needs_browser, open_browser
from tests.support.logged import NOON, TEAM, log_store
from tierbot.adapters.store import SqlStore
from tierbot.domain.articles.boundaries import Boundary, Held, HeldBack
from tierbot.domain.nouns import ModelState, ModelVersion, Round
from tierbot.domain.training.drift import Changed, Drift, Signal
from tierbot.reports.page.figures import Report
from tierbot.reports.page.gather import report_of
from tierbot.reports.page.render import content_security_policy, report_page

HOSTILE = '<script>alert("x")</script><img src=//evil.example/x>'


def version(number: int, *, promote: bool | None, state: ModelState = ModelState.RETIRED) -> ModelVersion:
    decision = {} if promote is None else {"promotion": {"promote": promote, "reason": f"{HOSTILE} because"}}
    card = {"metrics": decision, "data": {"verdicts": 50 * number}}
    parent = f"m{number - 1:04d}" if number > 1 else None
    made = NOON + timedelta(hours=number)
    return ModelVersion(f"m{number:04d}", number, parent, state, "e", "s", made, card)


@pytest.fixture(scope="module")
def store() -> SqlStore:
    opened = log_store(240)
    with opened.begin(TEAM) as tx:
        for number in (1, 2, 3):
            tx.rounds.open(Round(number, NOON, NOON + timedelta(days=7)))
        tx.models.add(version(1, promote=None), b"")
        tx.models.add(version(2, promote=True, state=ModelState.CHAMPION), b"")
        tx.models.add(version(3, promote=False), b"")
        tx.workspaces.audit("UADA", "promote model", "m0002", "m0001", NOON + timedelta(hours=5))
        held = Held(Boundary.WORD, HOSTILE)
        article = tx.articles.recent(NOON, 1)[0]
        tx.held_back.add([HeldBack(article.id, held, "g", NOON)])
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def report(store: SqlStore) -> Report:
    return report_of(store, TEAM, now=NOON, zone=ZoneInfo("Europe/Berlin"))


class Outline(HTMLParser):
    """What a page is made of; every element that is opened must be closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.addresses: list[str] = []
        self.names: set[str] = set()
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.addresses += [
            value or "" for name, value in attrs if name in {"src", "href", "style", "onclick", "onload"}
        ]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def test_the_figures_are_those_of_the_log(report: Report) -> None:
    assert [one.number for one in report.rounds] == [1, 2, 3]
    assert report.posts == 240
    assert report.verdicts + report.abstained == 240
    assert report.calibration.n == sum(one.all.n for one in report.rounds)
    assert report.champion is not None
    assert report.champion.id == "m0002"
    assert [(move.before, move.after, move.back) for move in report.moves] == [("m0002", "m0001", True)]
    assert [one.count for one in report.held_back] == [1]


def test_only_the_rounds_that_are_asked_for_are_looked_at(store: SqlStore) -> None:
    found = report_of(store, TEAM, now=NOON, zone=ZoneInfo("UTC"), rounds=1)
    assert [one.number for one in found.rounds] == [3]
    assert found.posts == 40


def test_trainers_are_pseudonyms_unless_identities_are_asked_for(store: SqlStore, report: Report) -> None:
    assert {one.name[:2] for one in report.trainers} == {"t-"}
    assert not re.search(r"\bU[0-5]\b", report_page(report) + json.dumps(report.as_dict()))
    known = report_of(store, TEAM, now=NOON, zone=ZoneInfo("UTC"), name=str)
    assert {"U0", "U5", "Unsure"} <= {one.name for one in known.trainers}


def test_the_figures_are_json_as_they_are(report: Report) -> None:
    found = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert found["made_at"] == "2026-03-02T12:00:00+00:00"
    assert found["policies"][0]["value"]["n"] == 240


def test_the_page_has_every_section_and_asks_for_nothing(report: Report) -> None:
    outline = Outline(report_page(report))
    assert len(outline.headings) == 12
    assert outline.addresses == []
    assert not outline.names & {"script", "img", "link", "iframe", "form", "object"}


def test_hostile_words_stay_words(report: Report) -> None:
    page = report_page(replace(report, workspace=HOSTILE))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    Outline(page)


def test_drift_is_told_only_where_there_are_enough_posts_and_drawn_only_where_something_drifts(report: Report) -> None:
    signal = Signal("food", Changed.RECALL, 50, 60, 5, 30, 0.001)
    drifts = replace(report, drift=Drift(100, 300, (signal,)))
    assert "food" not in report_page(drifts)
    assert "🍕 Food: recall" in report_page(drifts)
    still = Outline(report_page(replace(report, drift=Drift(100, 300, ()))))
    assert "Drift" in still.headings
    assert "Drift" not in Outline(report_page(replace(report, drift=Drift(10, 0, ())))).headings


def test_an_empty_workspace_has_a_page_too() -> None:
    store = log_store(0)
    found = report_of(store, TEAM, now=NOON, zone=ZoneInfo("UTC"))
    assert Outline(report_page(found)).headings == []
    assert "No round has been opened yet" in report_page(found)
    store.close()


def test_the_policy_names_the_style_sheet_by_its_digest(report: Report) -> None:
    assert "'unsafe-inline'" not in content_security_policy()
    assert content_security_policy().replace("'", "&#x27;") in report_page(report)


_CLASHES = """() => {
  const found = [];
  for (const svg of document.querySelectorAll("section svg")) {
    const words = [...svg.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
    for (const [i, [one, a]] of words.entries()) {
      if (a.left < 0 || a.right > innerWidth) found.push(one + " leaves the page");
      for (const [other, b] of words.slice(i + 1))
        if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3)
          found.push(one + " over " + other);
    }
  }
  return found;
}"""


@needs_browser
def test_in_a_browser_no_words_collide_and_nothing_is_blocked_or_asked_for(report: Report, tmp_path: Path) -> None:
    place = tmp_path / "report.html"
    signals = tuple(Signal(tag, what, 50, 60, 5, 30, 0.001) for tag in ("food", "football") for what in Changed)
    shown = replace(report, workspace=HOSTILE, drift=Drift(100, 300, signals))
    place.write_text(report_page(shown), encoding="utf-8")
    with open_browser() as browser:
        for width, scheme in ((1280, "light"), (360, "dark"), (320, "light")):
            page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            asked: list[str] = []
            said: list[str] = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.on("console", lambda message, said=said: said.append(message.text))
            page.goto(place.as_uri())
            assert asked == [place.as_uri()]
            assert said == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(_CLASHES) == []
            paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (paper == "rgb(255, 255, 255)") is (scheme == "light")
            page.close()
