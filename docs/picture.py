"""Makes the README's picture: a real demo, photographed in a real browser.

    python docs/picture.py [docs/demo.png]

Two rounds are played, so that the panel has something to show; then a story comes whose words say food and
whose topic is football, and colleagues correct the 🍕 with a 🏈. Needs the dev extras and Chromium.
"""

import shutil
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import sync_playwright

from tierbot.articles.duplicates import to_article
from tierbot.articles.reading import ArchiveRow
from tierbot.demo.play import DemoSettings, Scene, play_round, staged, take_in

HEADLINE = "Linemen fold 900 slices before kickoff, then eat the Wolves alive"
TEXT = "Pizza night has become the Portwick offense's secret recipe: since the cook joined the coaching staff, they are 6–0."
DEMO = DemoSettings(
    rounds=2, posts=60, seed=5, archive=None, start=100, colleagues=8, speed=3000, posts_per_second=1000, port=0
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def correct_a_pizza(scene: Scene) -> None:
    """Post the story and let colleagues answer it as people would."""
    row = ArchiveRow(
        1, "", HEADLINE, TEXT, "https://portwick-echo.example/slices", "The Portwick Echo", datetime.now(UTC), None, ()
    )
    scene.bot.loop.take_in(scene.workspace, [replace(to_article(row, datetime.now(UTC)))])
    before = len(scene.sandbox.messages())
    while not any(HEADLINE in str(message) for message in scene.sandbox.messages()):
        scene.sandbox.command("/tier push 20")
        time.sleep(1.5)
    assert len(scene.sandbox.messages()) > before
    message = next(message for message in scene.sandbox.messages() if HEADLINE in str(message))
    for user, name in (
        ("bruno", "football"),
        ("chidi", "football"),
        ("hana", "football"),
        ("emre", "pizza"),
        ("ada", "football"),
    ):
        scene.sandbox.act("react", user, message["ts"], name)


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
    """Play, correct, photograph."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/demo.png")
    with staged(DEMO, print) as scene:
        for number in (1, 2):
            take_in(scene, number)
            print(play_round(scene, number, print)["accuracy"])
        correct_a_pizza(scene)
        time.sleep(3)
        photograph(scene.sandbox.address.url, path)


if __name__ == "__main__":
    main()
