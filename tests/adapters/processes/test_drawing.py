"""Drawing in a child: a picture, or a reason; matplotlib stays out of this process."""

import subprocess
import sys
from dataclasses import asdict

import pytest

from tierbot.adapters.processes import drawing
from tierbot.adapters.processes.drawing import DrawingError, draw_in_child
from tierbot.domain.nouns import Estimate
from tierbot.domain.rounds.figures import RoundFigures

CHART = {"figures": [asdict(RoundFigures(1, Estimate.of_share(7, 10), Estimate.of_share(0, 0), {"agreed": 3}))]}


def test_a_child_draws_and_nothing_of_it_stays():
    program = (
        "import json, sys\n"
        "from tierbot.adapters.processes.drawing import draw_in_child\n"
        "png = draw_in_child(json.loads(sys.argv[1]))\n"
        "assert png.startswith(b'\\x89PNG'), png[:9]\n"
        "assert not [name for name in sys.modules if name.startswith('matplotlib')]\n"
    )
    import json

    subprocess.run([sys.executable, "-c", program, json.dumps(CHART)], check=True, timeout=120)


def test_figures_that_cannot_be_drawn_are_refused_with_the_childs_last_words():
    with pytest.raises(DrawingError, match="KeyError: 'figures'"):
        draw_in_child({"title": "nothing"})


def test_a_child_that_takes_too_long_is_given_up():
    with pytest.raises(DrawingError, match=r"longer than 0\.01 s"):
        draw_in_child(CHART, timeout=0.01)


def test_a_child_without_a_picture_is_no_success(monkeypatch):
    monkeypatch.setattr(drawing.sys, "executable", "/bin/true")
    with pytest.raises(DrawingError, match="output: none"):
        draw_in_child(CHART)
