"""Rules for values in Block Kit, and ways to combine them."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

Check = Callable[[Any, str], Iterator[str]]
"""A rule: it takes a value and its JSON pointer, and yields what Slack would complain about."""


def problem(text: str, where: str) -> str:
    """Return a complaint as Slack words it."""
    return f"{text} [json-pointer:{where}]"


def anything(_: Any, __: str) -> Iterator[str]:
    """Accept any value."""
    return iter(())


def string(longest: int, *, least: int = 0) -> Check:
    """Check for a string of `least` to `longest` characters."""

    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield problem("must be a string", where)
        elif len(value) > longest:
            yield problem(f"must be less than {longest + 1} characters", where)
        elif len(value) < least:
            yield problem(f"must be more than {least - 1} characters", where)

    return check


def url(value: Any, where: str) -> Iterator[str]:
    """Check for an http or https URL."""
    if found := list(string(3000)(value, where)):
        yield from found
        return
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.netloc or any(c.isspace() for c in value):
        yield problem("must be a valid http or https url", where)


def choice(*values: str) -> Check:
    """Check for one of these values."""

    def check(value: Any, where: str) -> Iterator[str]:
        if value not in values:
            yield problem(f"must be one of: {', '.join(values)}", where)

    return check


def array(each: Check = anything, *, most: int | None = None, least: int = 1) -> Check:
    """Check for a list of `least` to `most` items."""

    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield problem("must be an array", where)
            return
        if most is not None and len(value) > most:
            yield problem(f"no more than {most} items allowed", where)
        if len(value) < least:
            yield problem(f"no fewer than {least} items required", where)
        for index, item in enumerate(value):
            yield from each(item, f"{where}/{index}")

    return check


def shape(
    required: Mapping[str, Check],
    optional: Mapping[str, Check],
    *rules: Check,
    others: Collection[str] | None = None,
) -> Check:
    """Check for an object with these fields that follows the `rules`; `others` are further fields, None for any."""
    checks = {**required, **optional}

    def check(value: Any, where: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield problem("must be an object", where)
            return
        if others is not None:
            for key in sorted(value.keys() - checks.keys() - set(others)):
                yield problem(f"no more than the allowed properties are supported: {key}", where)
        for key, field in checks.items():
            if key in value:
                yield from field(value[key], f"{where}/{key}")
            elif key in required:
                yield problem(f"missing required field: {key}", where)
        for rule in rules:
            yield from rule(value, where)

    return check


def exactly_one(*keys: str) -> Check:
    """Check that an object has exactly one of these fields."""

    def check(value: Any, where: str) -> Iterator[str]:
        if len(value.keys() & set(keys)) != 1:
            yield problem(f"exactly one of {', '.join(keys)} is required", where)

    return check


def by_type(kinds: Mapping[str, Check]) -> Check:
    """Check an object by its `type`, which must be one of `kinds`."""

    def check(value: Any, where: str) -> Iterator[str]:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(value, dict):
            yield problem("must be an object", where)
        elif isinstance(kind, str) and kind in kinds:
            yield from kinds[kind](value, where)
        else:
            yield problem(f"unsupported type: {kind}", f"{where}/type")

    return check


def text(longest: int) -> Check:
    """Check for a text object, plain_text or mrkdwn."""
    kind = choice("plain_text", "mrkdwn")

    def check(value: Any, where: str) -> Iterator[str]:
        is_mrkdwn = isinstance(value, dict) and value.get("type") == "mrkdwn"
        flag = "verbatim" if is_mrkdwn else "emoji"
        return shape({"type": kind, "text": string(longest, least=1)}, {}, others={flag})(value, where)

    return check


def plain(longest: int) -> Check:
    """Check for a text object of type plain_text."""
    return shape({"type": choice("plain_text"), "text": string(longest, least=1)}, {}, others={"emoji"})
