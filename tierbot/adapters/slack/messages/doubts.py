"""The message to admins about doubts in trainers: the evidence, its effect, and how to overrule it."""

from collections.abc import Mapping
from typing import Any

from tierbot.adapters.slack.block_kit.blocks import Message, context, sections
from tierbot.adapters.slack.block_kit.text import clean, mrkdwn, person
from tierbot.adapters.slack.block_kit.words import count
from tierbot.domain.tags import TagSpace

_BEHAVIORS = {
    "score_farming": "may be playing for the score",
    "pushes_tag": "may be pushing one topic",
    "denies_tag": "may be denying one topic",
    "brigade": "may be coordinating votes against the others",
}
_LONGEST = 400


def render_doubts(said: Mapping[str, Any], _: TagSpace) -> Message:
    """Return the message to an admin."""
    found = said["doubts"]
    title = f"🔎 {count(len(found) + int(said['more']), 'doubt')} about how some colleagues vote"
    lines = [f"*{title}*", *(_line(one) for one in found)]
    if said["more"]:
        lines.append(f"… and {int(said['more'])} more: `tierbot doubts`.")
    effect = (
        "Their votes count half in verdicts until you overrule the doubt or the pattern stops"
        if said["halved"]
        else "As for everyone, the weight of their votes depends on how well the other votes support them"
    )
    hint = (
        f"This is evidence, not proof: it may be honest disagreement. {effect}. Only admins see this; nobody is blocked "
        "and scores don't change. Overrule a doubt with `tierbot doubts --overrule ID`; the audit trail records it."
    )
    return Message(title, (*sections(lines), context(hint)))


def _line(one: Mapping[str, Any]) -> str:
    who = " and ".join(person(str(user)) for user in one["users"][:5])
    what = _BEHAVIORS.get(str(one["behavior"]), mrkdwn(clean(str(one["behavior"]), 40)))
    # Speed has no p-value: nobody reads that fast by chance.
    odds = f" (p = {float(one['p_value']):.1g})" if one["p_value"] else ""
    evidence = mrkdwn(clean(str(one["evidence"]), _LONGEST))
    return f"• `{clean(str(one['id']), 20)}` {who} {what}: {evidence}{odds}."
