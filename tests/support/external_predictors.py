"""Installs small distributions with predictors, as pip would: a module, its dist-info, an entry point."""

import sys
from pathlib import Path

import pytest

FOOD = '''
"""Says food where pizza is mentioned, and football otherwise; remembers what it learned as text."""

import json


class House:
    def __init__(self, learned=None):
        self.learned = learned or {}

    def __call__(self, articles, tags):
        return [self.row(article.content, tags) for article in articles]

    def row(self, text, tags):
        said = next((tag for word, tag in self.learned.items() if word in text), None)
        top = said or ("food" if "pizza" in text else "football")
        return {top: 0.9, **{tag: 0.1 / (len(tags) - 1) for tag in tags if tag != top}}
'''
LEARNING = (
    FOOD
    + """
    def fit(self, examples, tags):
        learned = {}
        for example in examples:
            for tag in example.tags:
                learned[example.article.title.split()[-1]] = tag
        return json.dumps(learned, sort_keys=True).encode()

    def restored(self, state):
        return House(json.loads(state))
"""
)


def install(
    folder: Path, source: str, *, version: str = "1.0", name: str = "house", value: str = "house_model:House"
) -> None:
    """Write a distribution into a folder, in the place of its former version."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("house_predictor-*.dist-info/*"):
        old.unlink()
    for old in folder.glob("house_predictor-*.dist-info"):
        old.rmdir()
    (folder / "house_model.py").write_text(source)
    info = folder / f"house_predictor-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: house-predictor\nVersion: {version}\n")
    (info / "RECORD").write_text(f"house_model.py,sha256={hash(source) % 10**12},\n")
    (info / "entry_points.txt").write_text(f"[tierbot.predictors]\n{name} = {value}\n")


def install_here(folder: Path, source: str, monkeypatch: pytest.MonkeyPatch, **options: str) -> None:
    """Install a distribution for this process, too."""
    install(folder, source, **options)
    if str(folder) not in sys.path:
        monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "house_model", raising=False)
    sys.path_importer_cache.clear()
