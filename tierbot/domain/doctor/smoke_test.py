"""A smoke test along the whole way: a canary is posted, reacted to, counted, un-reacted and removed again.

The canary is no post: nothing was predicted, so what is said on it stays in the ledger and counts for nobody.
The steps are taken by `SmokeTestActions`; here is only their order, their time, and what a broken one means for the rest.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol

from tierbot.domain.feedback.votes import standing
from tierbot.domain.nouns import ReactionEvent, TierbotError
from tierbot.domain.tags import TagSpace


class Outcome(StrEnum):
    """How a step came out. NOT_TRIED: a step before it broke."""

    OK = "ok"
    BROKEN = "broken"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: how it came out, after how many seconds, and what was seen (for BROKEN: what to do)."""

    name: str
    outcome: Outcome
    seconds: float = 0.0
    says: str = ""


class SmokeTestActions(Protocol):
    """What a smoke test takes. Each method raises TierbotError if its step breaks, and returns what was seen."""

    def post(self) -> str:
        """Post the canary."""
        ...

    def react(self) -> str:
        """React to the canary with a tag's emoji."""
        ...

    def see_vote(self) -> str:
        """Wait until the ledger reads the reaction as a vote."""
        ...

    def command(self, text: str) -> str:
        """Type a slash command and wait for the answer."""
        ...

    def unreact(self) -> str:
        """Take the reaction back."""
        ...

    def see_no_vote(self) -> str:
        """Wait until the ledger reads it as revoked."""
        ...

    def clean_up(self) -> str:
        """Remove the canary."""
        ...


def run_smoke_test(hands: SmokeTestActions, commands: Sequence[str], seconds: Callable[[], float]) -> list[Step]:
    """Take all steps and return them in order; `seconds` is a monotonic clock.

    The first broken step of the reaction keeps those that build on it from being tried; the commands do not, and
    the canary is removed whatever happened.
    """
    walk = _Walk(seconds)
    posted = walk.take("post a canary", hands.post)
    reacted = walk.take("react", hands.react, after=posted)
    seen = walk.take("see the vote arrive", hands.see_vote, after=reacted)
    for text in commands:
        walk.take(text, lambda text=text: hands.command(text))  # type: ignore[misc] # mypy takes the default for an argument
    taken_back = walk.take("take the reaction back", hands.unreact, after=reacted)
    walk.take("see the vote revoked", hands.see_no_vote, after=seen and taken_back)
    walk.take("clean up", hands.clean_up, after=posted)
    return walk.steps


def broken(steps: Sequence[Step]) -> Step | None:
    """Return the first broken step, None if all went well."""
    return next((step for step in steps if step.outcome is Outcome.BROKEN), None)


class _Walk:
    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self.steps: list[Step] = []

    def take(self, name: str, act: Callable[[], str], *, after: bool = True) -> bool:
        """Take a step unless what it builds on broke; say whether it went well."""
        if not after:
            self.steps.append(Step(name, Outcome.NOT_TRIED))
            return False
        began = self._seconds()
        try:
            says, outcome = act(), Outcome.OK
        except TierbotError as fault:
            says, outcome = str(fault), Outcome.BROKEN
        self.steps.append(Step(name, outcome, self._seconds() - began, says))
        return outcome is Outcome.OK


def vote_stands(events: Iterable[ReactionEvent], user: str, tag_id: str, tags: TagSpace) -> bool:
    """Say whether a message's events leave `user` saying that `tag_id` is true, as votes are read from the ledger."""
    said = [tags.by_emoji(variant.name) for variant in standing(events) if variant.user == user]
    return any(tag is not None and tag.id == tag_id for tag in said)


def news_of(steps: Sequence[Step], channel: str) -> dict[str, Any]:
    """Return what admins are told of a smoke test that broke, as plain data for the outbox.

    Raises ValueError if none of its steps broke.
    """
    first = broken(steps)
    if first is None:
        raise ValueError("This smoke test went well: there is no news of it.")
    return {
        "kind": "smoke_test_broken",
        "step": first.name,
        "says": first.says,
        "channel": channel,
        "steps": [{**asdict(step), "outcome": str(step.outcome)} for step in steps],
    }
