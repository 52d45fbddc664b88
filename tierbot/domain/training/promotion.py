"""Says in plain words what the comparison of a new model with the live one showed; the statistics are in the Decision."""

from collections.abc import Mapping
from typing import Any

from tierbot.domain.training.judge import BELIEF, LEVEL, MARGIN, VETO, worse_p

FEWEST = 50  # fair posts; on fewer, a single one would count more than two points
RULE = (
    "Fair posts are blank, selected at random, and new to both models. The log score is that of the true tags' probability. The "
    f"new model goes live if it is the better one with a probability of {100 * BELIEF:.0f}% and e reaches {1 / LEVEL:.0f}. A "
    f"model whose log score is lower by {MARGIN:g} or more ever gets there in at most {100 * LEVEL:.0f} of 100 cases."
)


def is_better(comparison: Mapping[str, Any]) -> bool:
    """Return whether a Decision, as data, shows a better model: by a point or more, on enough fair posts."""
    return int(comparison["n"]) >= FEWEST and _points(comparison) >= 1


def headline(number: int, comparison: Mapping[str, Any], kept: int | None) -> str:
    """Return the result for model `number` in one or two sentences; `kept`: the number of the model in service if refused.

    Comparisons from earlier versions lack `gain`, `worse` and `forgotten`; what they refused was worse.
    """
    if comparison.get("overtaken"):
        stays = f" Model {kept} stays in service." if kept else ""
        return f"Model {number} isn't in service: the model it was compared with was replaced meanwhile.{stays}"
    if comparison["promote"]:
        return f"Model {number} is live{_success(comparison)}."
    stays = f"I kept model {kept}" if kept else "I kept the old model"
    if tag := comparison.get("forgotten"):
        return f"{stays}: the new one no longer recognizes “{tag}”."
    if comparison.get("worse", True):
        return f"{stays}: the new one was worse, {_by(comparison)} on {_fair_posts(comparison)}."
    return f"{stays} for now: {_so_far(comparison)}."


def statistics(comparison: Mapping[str, Any]) -> str:
    """Return the comparison's figures in one sentence or two."""
    if not int(comparison["n"]):
        return "No fair post was new to both models, so there was nothing to compare them on."
    figures = (
        f"On {_fair_posts(comparison)} the new model was right on {100 * comparison['challenger']:.0f}%, the old one on "
        f"{100 * comparison['champion']:.0f}%: {int(comparison['wins'])} only the new one got right, "
        f"{int(comparison['losses'])} only the old one."
    )
    if "e_value" not in comparison:  # from an earlier version
        return figures
    return (
        f"{figures} Its log score was {abs(comparison['gain']):.3f} {'higher' if comparison['gain'] >= 0 else 'lower'} per post; it is "
        f"the better one with a probability of {100 * comparison['belief']:.0f}%. Evidence that it isn't worse: "
        f"e is {_e_value(comparison)}."
    )


def _e_value(comparison: Mapping[str, Any]) -> str:
    value = float(comparison["e_value"])
    return "over 1,000" if value > 1000 else f"{value:.3g}"  # noqa: PLR2004


def _success(comparison: Mapping[str, Any]) -> str:
    """Return a promotion's reason. The score decides, so the accuracy may be the same, or lower by chance."""
    if not int(comparison["n"]):
        return ". There was no model to compare it with"
    points, posts = _points(comparison), _fair_posts(comparison)
    if points > 0:
        return f": {_in_points(points)} better on {posts}{_chance(comparison)}"
    if points == 0:
        return f": right as often as the old one on {posts}, and surer of the right tags"
    return f": surer of the right tags on {posts}. Its accuracy was {_in_points(points)} lower, which may be chance"


def _so_far(comparison: Mapping[str, Any]) -> str:
    n, gain = int(comparison["n"]), float(comparison["gain"])
    if not n:
        return "there are no fair posts yet to compare the new one on"
    if gain > 0 and not _is_doubtful(comparison):
        return f"the new one looks better, but it's too early to say on {_fair_posts(comparison)}"
    looks = "no better" if gain == 0 else "a little worse"
    return f"the new one looks {looks} on {_fair_posts(comparison)}"


def _by(comparison: Mapping[str, Any]) -> str:
    points = _points(comparison)
    return f"by {_in_points(points)}" if points < 0 else "less sure of the right tags"


def _points(comparison: Mapping[str, Any]) -> int:
    return round(100 * float(comparison["difference"] or 0.0))


def _in_points(points: int) -> str:
    return f"{abs(points)} point{'' if abs(points) == 1 else 's'}"


def _fair_posts(comparison: Mapping[str, Any]) -> str:
    n = int(comparison["n"])
    return f"{n:,} fair post{'' if n == 1 else 's'}"


def _chance(comparison: Mapping[str, Any]) -> str:
    """Return a warning unless the difference in accuracy is significant."""
    return ", which may be chance" if worse_p(int(comparison["losses"]), int(comparison["wins"])) >= LEVEL else ""


def _is_doubtful(comparison: Mapping[str, Any]) -> bool:
    return worse_p(int(comparison["wins"]), int(comparison["losses"])) < VETO
