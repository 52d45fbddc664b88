"""Makes the README's pictures, table and dataset row, all from one run: a real demo in a real browser.

    python docs/picture.py

Four rounds are played and charted. Then a story arrives whose words suggest food but whose topic is football, and
colleagues correct the 🍕 to a 🏈. Needs the dev extras and Chromium. Writes docs/demo.png and docs/accuracy.png, and
prints the output of `tierbot demo --rounds 4 --exit`, and the row.
"""

import json
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import sync_playwright

from tierbot.app.demo.play import DemoSettings, Scene, play_round, staged, take_in
from tierbot.cli.livetable import LiveTable
from tierbot.domain.articles.duplicates import to_article
from tierbot.domain.articles.rows import ArchiveRow
from tierbot.reports.charts import round_chart
from tierbot.reports.panel import Panel
from tierbot.use_cases.rounds.round_report import figures_before

HEADLINE = "Linemen fold 900 slices before kickoff, then eat the Wolves alive"
TEXT = "Pizza night has become the Portwick offense's secret recipe: since the cook joined the coaching staff, they are 6–0."
DEMO = DemoSettings(
    rounds=4, posts=200, seed=0, archive=None, start=100, colleagues=8, speed=3000, posts_per_second=1000, port=0
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def correct_a_pizza(scene: Scene) -> None:
    """Post the story and let colleagues answer it as people would."""
    row = ArchiveRow(1, "", HEADLINE, TEXT, "https://portwick-echo.example/slices", "The Portwick Echo", None, None, ())
    scene.bot.loop.take_in(scene.workspace, [to_article(row, datetime.now(UTC))])
    scene.sandbox.command("/tier push 1")
    message = None
    while message is None:
        time.sleep(0.5)
        message = next((one for one in scene.sandbox.messages() if HEADLINE in str(one)), None)
    answers = {"bruno": "football", "chidi": "football", "hana": "football", "emre": "pizza", "you": "football"}
    for user, name in answers.items():
        scene.sandbox.act("react", user, message["ts"], name)


def chart(scene: Scene) -> bytes:
    """Draw the rounds as the bot does at the end of each."""
    with scene.bot.store.read(scene.workspace) as tx:
        return round_chart(figures_before(tx, DEMO.rounds + 1))


def photograph(url: str, path: Path) -> None:
    """Take the picture at the end of the channel."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1360, "height": 860}, device_scale_factor=1.5)
        page.goto(url)
        page.wait_for_timeout(2500)
        page.screenshot(path=str(path))
        browser.close()


def main() -> None:
    """Play, chart, correct, photograph."""
    docs = Path(__file__).parent
    with LiveTable(DEMO.posts) as table, staged(DEMO, table.say) as scene:
        for played in range(DEMO.rounds):
            take_in(scene, played)
            table.finished(play_round(scene, table.say, table.watch))
        (docs / "accuracy.png").write_bytes(chart(scene))
        correct_a_pizza(scene)
        time.sleep(3)
        photograph(scene.sandbox.address.url, docs / "demo.png")
        with scene.bot.store.read(scene.workspace) as tx:
            print(json.dumps(Panel().of(tx)["row"], ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
