"""Says in plain words what the comparison of a new model with the live one showed; the statistics are in the Decision."""

from collections.abc import Mapping
from typing import Any

from tierbot.domain.training.judge import FEWEST, WORSE_BY, WORSE_P, worse_p

RULE = (
    "Fair posts are blank, selected at random, and new to both models. A new model is refused if p < "
    f"{WORSE_P:g}, or if it is more than {100 * WORSE_BY:.0f} points worse on {FEWEST} fair posts or more."
)


def is_better(comparison: Mapping[str, Any]) -> bool:
    """Return whether a Decision, as data, shows a better model: by a point or more, on enough fair posts."""
    return int(comparison["n"]) >= FEWEST and _points(comparison) >= 1


def headline(number: int, comparison: Mapping[str, Any], kept: int | None) -> str:
    """Return the result for model `number` in one or two sentences; `kept`: the number of the model in service if refused."""
    n = int(comparison["n"])
    if comparison.get("overtaken"):
        stays = f" Model {kept} stays in service." if kept else ""
        return f"Model {number} isn't in service: the model it was compared with was replaced meanwhile.{stays}"
    if not comparison["promote"]:
        stays = f"I kept model {kept}" if kept else "I kept the old model"
        return f"{stays}: the new one was worse, by {_in_points(comparison)} on {_fair_posts(n)}."
    if n < FEWEST:
        so_far = (
            f"there {'is' if n == 1 else 'are'} only {_fair_posts(n)} so far" if n else "there are no fair posts yet"
        )
        return f"Model {number} is live. It's too early to say whether it's better: {so_far}."
    return f"Model {number} is live: {_found(comparison)} on {_fair_posts(n)}{_chance(comparison)}."


def statistics(comparison: Mapping[str, Any]) -> str:
    """Return the comparison's figures in one sentence."""
    n, p_value = int(comparison["n"]), comparison["p_value"]
    if not n:
        return "No fair post was new to both models, so there was nothing to compare them on."
    return (
        f"On {_fair_posts(n)} the new model was right on {100 * comparison['challenger']:.0f}%, the old one on "
        f"{100 * comparison['champion']:.0f}%: {int(comparison['wins'])} only the new one got right, "
        f"{int(comparison['losses'])} only the old one. One-sided sign test for “worse”: p = {p_value:.3f}."
    )


def _points(comparison: Mapping[str, Any]) -> int:
    return round(100 * float(comparison["difference"] or 0.0))


def _in_points(comparison: Mapping[str, Any]) -> str:
    points = abs(_points(comparison))
    return f"{points} point{'' if points == 1 else 's'}"


def _fair_posts(n: int) -> str:
    return f"{n:,} fair post{'' if n == 1 else 's'}"


def _found(comparison: Mapping[str, Any]) -> str:
    points = _points(comparison)
    if points == 0:
        return "as good as the old one"
    return f"{_in_points(comparison)} {'better' if points > 0 else 'worse'}"


def _chance(comparison: Mapping[str, Any]) -> str:
    """Return a warning unless the difference is significant; a significantly worse model isn't promoted."""
    wins, losses = int(comparison["wins"]), int(comparison["losses"])
    return ", which may be chance" if _points(comparison) and worse_p(losses, wins) >= WORSE_P else ""
