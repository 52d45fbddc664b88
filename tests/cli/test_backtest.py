"""What `tierbot backtest` prints of a round."""

from dataclasses import replace

import pytest

from tests.support.archives import topical
from tests.support.backtests import SMALL, play
from tierbot.cli.backtest import _show


def test_a_rounds_line_says_posts_clicks_verdicts_and_each_accuracy_with_its_interval(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (result, *_) = play(topical(200), SMALL)
    _show(replace(result, model="m0001", promoted=True))
    line = " ".join(capsys.readouterr().out.split())
    assert line.startswith(f"Round 1: 40 posts, {result.clicks} clicks verdicts right 100% accuracy ")
    assert f"n = {result.accuracy['blank'].n}" in line
    assert " window " in line
    assert "m0001 promoted, " in line
    _show(replace(result, model="m0000", promoted=False))
    assert "m0000 stays, " in " ".join(capsys.readouterr().out.split())
