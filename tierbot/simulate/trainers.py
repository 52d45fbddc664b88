"""Simulates trainers: explicit traits, and a pure function from what a trainer sees to what they click.

Explicit traits for simulated users, instead of a fitted black box, are RecSim's idea (Ie et al., 2019,
arXiv:1909.04847). trainers.toml gives the source of each default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum

import numpy as np

from tierbot.domain.nouns import Arm, Source, TierbotError
from tierbot.domain.tags import TagSpace, base_name
from tierbot.domain.tags.emoji import APPROVE, REJECT, RESERVED, UNSURE

HOURS = 24
# Mean delays of a second click, a noticed slip and a change of mind, to the order of magnitude. They affect when events
# arrive, not what they say.
_NEXT_CLICK_SECONDS = 3.0
_NOTICE_SECONDS = 4.0
_RETHINK_SECONDS = 120.0
_LONGEST_DELAY_SECONDS = 7 * 24 * 3600.0  # cuts the tail of the log-normal delay
_TONES = range(2, 7)  # Slack's skin-tone-2 … skin-tone-6


class TrainerError(TierbotError):
    """An invalid trainer or file of trainers; the text names the trait, the place and the fix."""


class Kind(StrEnum):
    """How a trainer behaves."""

    HONEST = "honest"  # votes what they believe
    LAZY = "lazy"  # usually accepts the pre-fill without reading
    RANDOM = "random"  # names any tag
    ADVERSARIAL = "adversarial"  # honest, except that they lie about one tag, the `target`
    FARMER = "farmer"  # wants the score: one click on everything, whichever is easiest


@dataclass(frozen=True, slots=True)
class SimulatedTrainer:
    """One simulated colleague. Shares and probabilities are in [0, 1].

    Without effort, a wrong pre-fill gets only 👎, and a blank post nothing. Less attention means fewer posts judged, and
    less reading if there is a pre-fill. Of c colleagues' emoji, a herd follows the most popular one c / (c + 1) times.
    """

    name: str
    kind: Kind = Kind.HONEST
    expertise: float = 1.0  # probability of recognizing a true tag; `expertise_by_tag` overrides it per tag id
    expertise_by_tag: Mapping[str, float] = field(default_factory=dict)
    sibling_share: float = 0.0  # share of mistakes that name a sibling of the true tag; the others name any other tag
    doubt: float = 0.0  # share of unrecognized tags that lead to 😕 (in the blank arm, nothing) instead of a mistake
    effort: float = 1.0  # probability of looking up an emoji that isn't there yet
    activity: tuple[float, ...] = (1.0,) * HOURS  # probability of judging a post, by local hour of the day
    delay_median: float = 60.0  # seconds, of a log-normal delay
    delay_spread: float = 0.0  # the standard deviation of its log
    anchoring: float = 0.0  # probability of clicking the pre-fill without reading
    herding: float = 0.0  # how strongly the most popular emoji is followed
    extra_tags: float = 1.0  # probability of naming each further true tag that was recognized
    slip: float = 0.0  # probability of clicking another tag's emoji by mistake
    notices: float = 0.0  # probability of correcting the slip
    unreact: float = 0.0  # probability of finally removing the last click
    menu: float = 0.0  # probability of naming a looked-up tag by menu
    fatigue: float = 0.0  # share of attention lost with each post judged today
    skin_tone: int | None = None  # 2 … 6 as Slack numbers them, for 👍 and 👎
    target: str | None = None  # the tag id that an adversarial trainer lies about; None for all other kinds

    def __post_init__(self) -> None:
        for share in SHARES:
            _check_share(self.name, share, getattr(self, share))
        for tag, value in self.expertise_by_tag.items():
            _check_share(self.name, f"expertise_by_tag of {tag!r}", value)
        if len(self.activity) != HOURS:
            raise self._error(f"activity has {len(self.activity)} values. Use 24, one for each hour.")
        for hour, value in enumerate(self.activity):
            _check_share(self.name, f"activity at hour {hour}", value)
        if not (0 < self.delay_median <= _LONGEST_DELAY_SECONDS and 0 <= self.delay_spread <= 5):  # noqa: PLR2004
            raise self._error(
                f"delay_median is {self.delay_median!r}, delay_spread {self.delay_spread!r}. Use a median above 0 and up "
                "to a week, in seconds, and a spread from 0 to 5."
            )
        if self.skin_tone is not None and self.skin_tone not in _TONES:
            raise self._error(f"skin_tone is {self.skin_tone!r}. Use 2 to 6, or leave it out.")
        if (self.kind is Kind.ADVERSARIAL) != (self.target is not None):
            raise self._error(
                f"target is {self.target!r} with kind {self.kind.value!r}. Adversarial trainers need a target tag, the "
                "others can't have one."
            )

    def _error(self, what: str) -> TrainerError:
        return TrainerError(f"Trainer {self.name!r}: {what}")


SHARES = tuple(
    item.name for item in fields(SimulatedTrainer) if item.type is float and not item.name.startswith("delay")
)


def _check_share(who: str, what: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise TrainerError(f"Trainer {who!r}: {what} is {value!r}. Use a number from 0 to 1.")


@dataclass(frozen=True, slots=True)
class View:
    """What a trainer sees of a post, and the true tags of its article."""

    arm: Arm
    shown_tag: str | None  # the tag id that the post names; None in the blank arm
    prefilled: tuple[str, ...]  # the bot's emoji names
    visible: Mapping[str, int]  # emoji name → number of colleagues who chose it
    true_tags: tuple[str, ...]  # from the archive; ids that aren't active in the tag space can't be named
    tags: TagSpace
    hour: int  # 0 … 23, local
    judged_today: int = 0


@dataclass(frozen=True, slots=True)
class Act:
    """One click: an emoji (or, by menu, a tag id) added or removed, `delay_seconds` after the post."""

    name: str
    added: bool
    delay_seconds: float
    source: Source = Source.REACTION


def looks_after(trainer: SimulatedTrainer, rng: np.random.Generator) -> float:
    """Draw the delay, in seconds, after which a trainer looks at a post (above 0, at most a week)."""
    return min(trainer.delay_median * float(np.exp(trainer.delay_spread * rng.normal())), _LONGEST_DELAY_SECONDS)


def decide(trainer: SimulatedTrainer, view: View, rng: np.random.Generator, delay: float | None = None) -> list[Act]:
    """Return a trainer's acts on a post, earliest first, if any; they look `delay` seconds after it (None: drawn)."""
    attention = (1.0 - trainer.fatigue) ** view.judged_today
    if rng.random() >= trainer.activity[view.hour] * attention:
        return []
    clicks = _clicks(trainer, view, attention, rng)
    return _acts(trainer, view, clicks, looks_after(trainer, rng) if delay is None else delay, rng)


def _clicks(trainer: SimulatedTrainer, view: View, attention: float, rng: np.random.Generator) -> list[str]:
    """Return the emoji names that a trainer intends to click, in order."""
    if trainer.kind is Kind.RANDOM:
        return [_any_answer(view, rng)]
    if view.prefilled and rng.random() < 1.0 - (1.0 - trainer.anchoring) * attention:
        return [view.prefilled[0]]
    popular = _most_popular(view)
    if popular is not None:
        count = view.visible[popular]
        if rng.random() < trainer.herding * count / (count + 1):
            return [popular]
    if trainer.kind is Kind.FARMER:
        return [_any_answer(view, rng)]
    return _read(trainer, view, rng)


def _any_answer(view: View, rng: np.random.Generator) -> str:
    choices = [APPROVE, REJECT, UNSURE] if view.arm is Arm.BASIC else [tag.short_name for tag in view.tags.active]
    return choices[int(rng.integers(len(choices)))]


def _most_popular(view: View) -> str | None:
    """Return the answer that most colleagues gave, ignoring emoji that aren't answers."""
    active = set(view.tags.active)
    answers = [
        name
        for name, count in view.visible.items()
        if count > 0 and (base_name(name) in RESERVED or view.tags.by_emoji(name) in active)
    ]
    return max(answers, key=lambda name: (view.visible[name], name), default=None)


def _read(trainer: SimulatedTrainer, view: View, rng: np.random.Generator) -> list[str]:
    """Answer after reading: what the trainer believes, in the form that the post's arm asks for."""
    true_tags = [tag for tag in dict.fromkeys(view.true_tags) if tag in view.tags and not view.tags[tag].retired_at]
    if not true_tags:  # no true tag can be named
        return [] if view.shown_tag is None else [REJECT]
    beliefs = [_believed(trainer, view, true_tags[i], rng) for i in rng.permutation(len(true_tags))]
    named = list(dict.fromkeys(tag for tag in beliefs if tag is not None))
    if trainer.kind is Kind.ADVERSARIAL:
        named = _inverted(trainer, view, named, rng)
    shown = view.shown_tag
    if not named:
        return [] if shown is None else [UNSURE]
    if view.arm is Arm.BASIC:
        return [APPROVE if shown in named else REJECT]
    if shown in named:
        named.sort(key=lambda tag: tag != shown)  # click first what is already there
    elif rng.random() >= trainer.effort:
        return [] if shown is None else [REJECT]
    said = named[:1] + [tag for tag in named[1:] if rng.random() < trainer.extra_tags]
    return [view.tags[tag].short_name for tag in said]


def _believed(trainer: SimulatedTrainer, view: View, true_tag: str, rng: np.random.Generator) -> str | None:
    """Return the tag that a trainer believes true: the true one, a sibling, another one, or None if in doubt."""
    if rng.random() < trainer.expertise_by_tag.get(true_tag, trainer.expertise):
        return true_tag
    if rng.random() < trainer.doubt:
        return None
    if rng.random() < trainer.sibling_share:
        siblings = _siblings(view.tags, true_tag)
        if siblings:
            return siblings[int(rng.integers(len(siblings)))]
    return _another(view.tags, true_tag, rng)


def _siblings(tags: TagSpace, tag_id: str) -> list[str]:
    return [sibling for sibling in tags[tag_id].siblings if sibling in tags and tags[sibling].retired_at is None]


def _another(tags: TagSpace, but: str, rng: np.random.Generator) -> str | None:
    others = [tag for tag in tags.ids if tag != but]
    return others[int(rng.integers(len(others)))] if others else None


def _inverted(trainer: SimulatedTrainer, view: View, named: list[str], rng: np.random.Generator) -> list[str]:
    """Deny the target if it is believed true; claim it if it is shown or close, but not true."""
    target = trainer.target
    if target is None or target not in view.tags:
        return named
    near = _siblings(view.tags, target)
    if target in named:
        instead = near[int(rng.integers(len(near)))] if near else _another(view.tags, target, rng)
        return [] if instead is None else [instead]
    return [target] if view.shown_tag == target or set(near) & set(named) else named


def _acts(trainer: SimulatedTrainer, view: View, clicks: list[str], at: float, rng: np.random.Generator) -> list[Act]:
    """Turn intended clicks, from `at` seconds on, into acts with slips, corrections and changes of mind."""
    acts: list[Act] = []
    used = set(clicks)
    for intended in clicks:
        clicked, source = _landing(trainer, view, intended, used, rng)
        used.add(clicked)
        acts.append(Act(_toned(trainer, view, clicked), True, at, source))
        if clicked != intended and source is Source.REACTION and rng.random() < trainer.notices:
            at += float(rng.exponential(_NOTICE_SECONDS))
            acts += [Act(clicked, False, at), Act(_toned(trainer, view, intended), True, at + 1.0)]
            at += 1.0
        at += float(rng.exponential(_NEXT_CLICK_SECONDS))
    if acts and acts[-1].source is Source.REACTION and rng.random() < trainer.unreact:
        acts.append(Act(acts[-1].name, False, at + float(rng.exponential(_RETHINK_SECONDS))))
    return acts


def _landing(
    trainer: SimulatedTrainer, view: View, intended: str, used: set[str], rng: np.random.Generator
) -> tuple[str, Source]:
    """Return where a click lands: (emoji name or tag id, source)."""
    tag = view.tags.by_emoji(intended)
    if trainer.slip and rng.random() < trainer.slip:
        others = [other.short_name for other in view.tags.active if other.short_name not in used]
        if others:
            return others[int(rng.integers(len(others)))], Source.REACTION
    if trainer.menu and tag is not None and intended not in view.prefilled and rng.random() < trainer.menu:
        return tag.id, Source.MENU
    return intended, Source.REACTION


def _toned(trainer: SimulatedTrainer, view: View, emoji: str) -> str:
    """Add a trainer's skin tone to 👍 and 👎, unless they click an existing reaction."""
    there = emoji in view.prefilled or emoji in view.visible
    tone = None if there or emoji not in {APPROVE, REJECT} else trainer.skin_tone
    return emoji if tone is None else f"{emoji}::skin-tone-{tone}"
