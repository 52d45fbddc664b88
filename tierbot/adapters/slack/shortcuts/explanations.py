"""The “Why this tag?” modal: probabilities, the words that mattered, and similar stories."""

from collections.abc import Sequence

from tierbot.adapters.slack.block_kit.blocks import Block, context, section
from tierbot.adapters.slack.block_kit.modals import View, modal, tag_label
from tierbot.adapters.slack.block_kit.text import link, safe
from tierbot.adapters.slack.block_kit.words import bar, percent
from tierbot.domain.nouns import Arm
from tierbot.domain.predict.explain import Explanation, WordEffect
from tierbot.domain.tags import TagSpace

TITLE = "Why this tag?"
_BARS = 10
_MOST_WORDS = 6
_LEAST_EFFECT = 0.005  # half a point; smaller effects are noise
_LEAST_SIMILARITY = 0.25  # below that, two stories share little but their language
_STORY = 120
_ARMS = {
    Arm.TIER: "the tag was named and its emoji pre-filled",
    Arm.BASIC: "the tag was named and 👍 👎 😕 were pre-filled",
    Arm.BLANK: "nothing was named or pre-filled: a control that measures how strongly a pre-filled emoji attracts clicks",
}


def render_explanation(explanation: Explanation, tags: TagSpace) -> View:
    """Return the explanation as a modal. Where the words aren't known yet, it says that they are on their way."""
    blocks: list[Block] = [
        section(f"*{link(explanation.url, safe(explanation.title, _STORY))}*"),
        section("*How likely I thought each topic was*\n" + "\n".join(_likely(explanation, tags))),
        section(_words(explanation, tags)),
    ]
    if near := _near(explanation, tags):
        blocks.append(section("*Similar stories that you labeled*\n" + "\n".join(near)))
    blocks += [context(line) for line in _how(explanation, tags)]
    return modal(TITLE, blocks)


def _likely(explanation: Explanation, tags: TagSpace) -> list[str]:
    return [
        f"`{bar(p, _BARS)}` {percent(p)}  {tag_label(tag, tags)}{'  ← shown' if tag == explanation.shown_tag else ''}"
        for tag, p in explanation.probabilities
    ]


def _words(explanation: Explanation, tags: TagSpace) -> str:
    shown = tag_label(explanation.shown_tag, tags)
    if explanation.words is None:
        return (
            "*Words that mattered*\n⏳ I'm reading the story again, once without each word. This takes a few seconds."
        )
    if explanation.note:
        return f"*Words that mattered*\n{safe(explanation.note, 400)}"
    mattered = [effect for effect in explanation.words if abs(effect.drop) >= _LEAST_EFFECT][:_MOST_WORDS]
    if not mattered:
        return f"*Words that mattered*\nNo single word: {shown} stays as likely without any one of them."
    lines = _effects([one for one in mattered if one.drop > 0], f"Without it, {shown} would be less likely by")
    lines += _effects([one for one in mattered if one.drop < 0], f"Without it, {shown} would be more likely by")
    return "*Words that mattered*\n" + "\n".join(lines)


def _effects(effects: Sequence[WordEffect], heading: str) -> list[str]:
    if not effects:
        return []
    words = " · ".join(f"*{safe(one.word, 40)}* {100 * abs(one.drop):.0f} pts" for one in effects)
    return [f"{heading}: {words}"]


def _near(explanation: Explanation, tags: TagSpace) -> list[str]:
    return [
        f"• {link(near.url, safe(near.title, _STORY))}: "
        f"{', '.join(tag_label(tag, tags) for tag in near.tags)} ({percent(near.similarity)} similar)"
        for near in explanation.neighbors
        if near.similarity >= _LEAST_SIMILARITY
    ]


def _how(explanation: Explanation, tags: TagSpace) -> list[str]:
    best = explanation.probabilities[0][0]
    drawn = "" if best == explanation.shown_tag else f" (exploration; {tag_label(best, tags)} was more likely)"
    return [
        (
            f"Model {safe(explanation.model_version, 60)} · policy {safe(explanation.policy, 80)} · "
            f"shown with probability {explanation.propensity:.2f}{drawn}"
        ),
        (
            f"Arm {explanation.arm}, drawn with probability {explanation.arm_probability:.2f}: {_ARMS[explanation.arm]}. "
            f"How the story was chosen: {safe(explanation.selection.strategy, 60)}."
        ),
    ]
