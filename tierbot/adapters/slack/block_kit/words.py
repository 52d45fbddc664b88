"""Pure functions that write numbers and times in plain words."""

from datetime import datetime, timedelta

from tierbot.domain.nouns import Estimate

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_DAYS_IN_WORDS = 7


def age(moment: datetime, now: datetime) -> str:
    """Write how long ago something was: "just now", "12 min ago", "3 h ago", "2 d ago", "4 Mar 2024".

    Feeds have future dates: up to an hour ahead is "just now", later is empty.
    """
    seconds = (now - moment).total_seconds()
    if seconds < -_HOUR:
        return ""
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min ago"
    if seconds < _DAY:
        return f"{int(seconds // _HOUR)} h ago"
    if seconds < _DAYS_IN_WORDS * _DAY:
        return f"{int(seconds // _DAY)} d ago"
    return day(moment)


def day(moment: datetime) -> str:
    """Write a date: "4 Mar 2024"."""
    return f"{moment.day} {moment:%b %Y}"


def remaining(until: datetime, now: datetime) -> str:
    """Write how much time is left: "2 d 3 h", "40 min", "a moment"."""
    left = max(until - now, timedelta(0))
    hours, minutes = divmod(int(left.total_seconds()) // _MINUTE, 60)
    if hours >= 24:  # noqa: PLR2004 - hours of a day
        return f"{hours // 24} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else "a moment"


def percent(share: float) -> str:
    """Write a share in [0, 1] as a whole percentage."""
    return f"{100 * share:.0f}%"


def bar(share: float, width: int) -> str:
    """Draw a share in [0, 1] as a bar of `width` characters."""
    filled = round(share * width)
    return "█" * filled + "░" * (width - filled)


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun: "1 post", "1,200 posts"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def ordinal(number: int) -> str:
    """Write a rank: "1st", "2nd", "3rd", "11th"."""
    teens = 10 <= number % 100 <= 20  # noqa: PLR2004 - eleventh to thirteenth are irregular
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def accuracy(estimate: Estimate) -> str:
    """Write an accuracy with its interval: "right on 78% of 190 posts (95% interval 72 to 84%)"."""
    if estimate.value is None or not estimate.n:
        return "nothing settled yet"
    said = f"right on {percent(estimate.value)} of {count(estimate.n, 'settled post')}"
    if estimate.low is None or estimate.high is None:
        return said
    return f"{said} (95% interval {100 * estimate.low:.0f} to {100 * estimate.high:.0f}%)"
