"""A real browser for tests that look at the sandbox's page: Playwright driving the machine's own Chromium."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 60_000.0  # ms for anything the browser does: a busy machine isn't the page's fault
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


@contextmanager
def open_browser() -> Iterator[Any]:
    """Yield a running Chromium; skip where Playwright is not installed."""
    playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    playwright_api.expect.set_options(timeout=PATIENCE)
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS.split())
        yield browser
        browser.close()


@contextmanager
def open_page(browser: Any, url: str, **context: Any) -> Iterator[Any]:
    """Yield the sandbox's page once it has loaded; an error in its scripts fails the test."""
    opened = browser.new_context(**context)
    opened.set_default_timeout(PATIENCE)
    page = opened.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(url)
    page.wait_for_selector("#link-state.on", state="attached")
    page.wait_for_selector(".message")
    yield page
    opened.close()
    assert broken == []
