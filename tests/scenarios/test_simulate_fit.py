"""A team's own ledger becomes simulated trainers that a backtest takes."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.conftest import build_harness
from tierbot.cli.app import app
from tierbot.simulate.teams import team_of


def test_the_traits_of_those_who_judged_enough_are_written_without_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy as np

    harness = build_harness(tmp_path)
    for ts in harness.posts(12):
        for user in ("UANNA", "UBERT"):
            harness.react(user, ts, harness.emoji(ts))
    harness.settle()
    harness.bot.close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/test.db")
    result = CliRunner().invoke(app, ["simulate", "fit", "--out", "team.toml"])
    assert result.exit_code == 0, result.output
    assert "UANNA" not in (tmp_path / "team.toml").read_text()
    assert len(team_of(str(tmp_path / "team.toml"), np.random.default_rng(0), ("food", "law"))) == 2
