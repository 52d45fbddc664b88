"""Runs the smoke test: its canary isn't a post, so reactions to it stay in the ledger and don't count."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

from tierbot.domain.feedback.votes import standing
from tierbot.domain.nouns import ReactionEvent, TierbotError
from tierbot.domain.tags import TagSpace


class Outcome(StrEnum):
    """The result of a step. NOT_TRIED: a step that it depends on failed."""

    OK = "ok"
    BROKEN = "broken"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its outcome, how many seconds it took, and what was seen (for BROKEN: what to do)."""

    name: str
    outcome: Outcome
    seconds: float = 0.0
    says: str = ""


class SmokeTestActions(Protocol):
    """The steps of a smoke test. Each method returns what was seen; it raises TierbotError if the step fails."""

    def post(self) -> str:
        """Post the canary."""

    def react(self) -> str:
        """React to the canary with a tag's emoji."""

    def see_vote(self) -> str:
        """Wait until the reaction counts as a vote."""

    def command(self, text: str) -> str:
        """Send a slash command and wait for the answer."""

    def unreact(self) -> str:
        """Take the reaction back."""

    def see_no_vote(self) -> str:
        """Wait until the vote is revoked."""

    def clean_up(self) -> str:
        """Remove the canary."""


def run_smoke_test(actions: SmokeTestActions, commands: Sequence[str], seconds: Callable[[], float]) -> list[Step]:
    """Take all steps that don't depend on a failed one, and return them in order; `seconds` is a monotonic clock."""
    steps: list[Step] = []

    def take(name: str, act: Callable[[], str], *, after: bool = True) -> bool:
        """Take a step unless one that it depends on failed; return whether it passed."""
        if not after:
            steps.append(Step(name, Outcome.NOT_TRIED))
            return False
        began = seconds()
        try:
            says, outcome = act(), Outcome.OK
        except TierbotError as fault:
            says, outcome = str(fault), Outcome.BROKEN
        steps.append(Step(name, outcome, seconds() - began, says))
        return outcome is Outcome.OK

    posted = take("post a canary", actions.post)
    reacted = take("react", actions.react, after=posted)
    seen = take("see the vote arrive", actions.see_vote, after=reacted)
    for text in commands:
        take(text, partial(actions.command, text))
    taken_back = take("take the reaction back", actions.unreact, after=reacted)
    take("see the vote revoked", actions.see_no_vote, after=seen and taken_back)
    take("clean up", actions.clean_up, after=posted)
    return steps


def broken(steps: Sequence[Step]) -> Step | None:
    """Return the first failed step, or None."""
    return next((step for step in steps if step.outcome is Outcome.BROKEN), None)


def vote_stands(events: Iterable[ReactionEvent], user: str, tag_id: str, tags: TagSpace) -> bool:
    """Return whether, according to a message's events, `user` currently names `tag_id`."""
    named = [tags.by_emoji(variant.name) for variant in standing(events) if variant.user == user]
    return any(tag is not None and tag.id == tag_id for tag in named)


def news_of(steps: Sequence[Step], channel: str) -> dict[str, Any]:
    """Return the admins' notice about a failed smoke test, for the outbox. ValueError if no step failed."""
    first = broken(steps)
    if first is None:
        raise ValueError("The smoke test passed: there is nothing to report.")
    return {
        "kind": "smoke_test_broken",
        "step": first.name,
        "says": first.says,
        "channel": channel,
        "steps": [{**asdict(step), "outcome": str(step.outcome)} for step in steps],
    }
