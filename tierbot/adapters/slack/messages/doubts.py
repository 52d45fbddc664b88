"""What admins are told of doubts about trainers: the evidence, what follows from it, how to overrule it."""

from collections.abc import Mapping
from typing import Any

from tierbot.adapters.slack.block_kit.blocks import Message, context, sections
from tierbot.adapters.slack.block_kit.text import clean, mrkdwn, person
from tierbot.adapters.slack.block_kit.words import count
from tierbot.domain.tags import TagSpace

_BEHAVIOURS = {
    "score_farming": "may be playing for the score",
    "pushes_tag": "may be pushing one topic",
    "denies_tag": "may be denying one topic",
    "brigade": "may be voting together against the others",
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
        "Until you overrule it, or it shows no more, their votes count half in verdicts"
        if said["halved"]
        else "In verdicts their votes weigh what the others' votes bear out, as everybody's do"
    )
    hint = (
        f"This is evidence, no judgement: it may be an honest disagreement. {effect}. Nobody else is told, nobody is "
        "shut out, scores are untouched. Overrule one with `tierbot doubts --overrule ID`; that goes into the audit trail."
    )
    return Message(title, (*sections(lines), context(hint)))


def _line(one: Mapping[str, Any]) -> str:
    who = " and ".join(person(str(user)) for user in one["users"][:5])
    what = _BEHAVIOURS.get(str(one["behavior"]), mrkdwn(clean(str(one["behavior"]), 40)))
    # A hurried pace is no test: nobody reads so fast by chance.
    odds = f" (p = {float(one['p_value']):.1g})" if one["p_value"] else ""
    evidence = mrkdwn(clean(str(one["evidence"]), _LONGEST))
    return f"• `{clean(str(one['id']), 20)}` {who} {what}: {evidence}{odds}."
