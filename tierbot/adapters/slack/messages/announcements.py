"""Announcements: closed rounds, new models, notices and reminders.

The outbox stores them as JSON objects; the use case that announces one chooses its keys.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tierbot.adapters.slack.block_kit.blocks import Block, Message, context, header, listing, message, section, sections
from tierbot.adapters.slack.block_kit.modals import Button, actions, button, tag_label
from tierbot.adapters.slack.block_kit.text import clean, mrkdwn, person, safe
from tierbot.adapters.slack.block_kit.words import accuracy, count, percent
from tierbot.adapters.slack.messages.boards import Named, standing_line
from tierbot.adapters.slack.messages.closed_channels import closed_channel
from tierbot.domain.nouns import Estimate, Standing
from tierbot.domain.predict.unclear import Unclear
from tierbot.domain.rounds.figures import change, is_chance
from tierbot.domain.tags import TagSpace
from tierbot.domain.training.promotion import RULE, headline, is_better, statistics
from tierbot.use_cases.ports import ChatError

_MOST_STANDINGS, _MOST_TAGS, _REASON = 10, 8, 400

Announcement = Mapping[str, Any]


def render_announcement(announcement: Announcement, tags: TagSpace) -> Message:
    """Return an announcement's message. Raises ChatError for an unknown kind or missing keys."""
    kind = str(announcement.get("kind"))
    render = _KINDS.get(kind)
    if render is None:
        raise ChatError(
            "unknown_announcement", f"This version doesn't know announcements of kind {kind!r}. Upgrade tierbot."
        )
    try:
        return render(announcement, tags)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise ChatError("bad_announcement", f"Announcement {kind!r} is incomplete: {fault!r}.") from fault


def _round_closed(said: Announcement, tags: TagSpace) -> Message:
    number, standings = int(said["round"]), [_standing(row) for row in said["standings"]]
    title = f"Round {number} is over"
    champion, sharpshooter = said.get("champion"), said.get("sharpshooter")
    named = _named(said.get("unmentioned") or {})
    blocks: list[Block] = [header(f"🏁 {title}")]
    if won := _winners(champion, sharpshooter, standings, named):
        blocks.append(section("\n".join(won)))
    lines = listing([standing_line(standing, named) for standing in standings], _MOST_STANDINGS, "trainers")
    blocks += sections(lines or ["Nobody judged an article this time. The next round has started."])
    blocks += [section("\n".join([*_learned(said, tags), *_trained(said.get("training"))]))]
    blocks.append(
        context(
            f"{count(int(said['posts']), 'post')}, {int(said['judged']):,} judged. "
            "Later votes on them still train the model but no longer score."
        )
    )
    return Message(f"{title}. 🏆 {named(champion)}" if champion else f"{title}.", tuple(blocks))


def _named(unmentioned: Mapping[str, str]) -> Named:
    """Return a function that mentions people, or names those who opted out."""

    def named(user: str) -> str:
        if user not in unmentioned:
            return person(user)
        return f"*{safe(unmentioned[user], 60) or 'a colleague'}*"

    return named


def _winners(champion: str | None, sharpshooter: str | None, standings: Sequence[Standing], named: Named) -> list[str]:
    by_user = {standing.user: standing for standing in standings}
    lines = []
    if champion:
        won = by_user.get(champion)
        with_what = f" with {count(won.judged, 'article')} judged" if won else ""
        lines.append(f"🏆 {named(champion)} is the champion{with_what}.")
    if sharpshooter:
        sharp = by_user.get(sharpshooter)
        on_what = (
            f": agreed with the team on {percent(sharp.agreement)} of {count(sharp.settled, 'article')}"
            if sharp and sharp.agreement is not None
            else ""
        )
        lines.append(f"🎯 {named(sharpshooter)} is the sharpshooter{on_what}.")
    return lines


def _learned(said: Announcement, tags: TagSpace) -> list[str]:
    now, before = _estimate(said["accuracy"]), said.get("previous_accuracy")
    lines = ["*What the model learned*", f"All posts: {accuracy(now)}{_compared(now, before)}."]
    blank = _estimate(said["blank_accuracy"])
    if blank.n:
        lines.append(f"Blank posts, which had no emoji to click: {accuracy(blank)}.")
    if improved := _names(said.get("tags_improved") or (), tags):
        lines.append(f"Better at: {improved}.")
    if struggling := _names(said.get("tags_struggling") or (), tags):
        lines.append(f"Needs your help with: {struggling}.")
    return lines


def _trained(training: Mapping[str, Any] | None) -> list[str]:
    """Return what came of the round's challenger."""
    if not training:
        return []
    before = training.get("before")
    return [_outcome(int(training["number"]), training.get("comparison"), int(before) if before else None)]


def _compared(now: Estimate, previous: Mapping[str, Any] | None) -> str:
    before = _estimate(previous) if previous else None
    if before is None or before.value is None or now.value is None:
        return ""
    if percent(now.value) == percent(before.value):
        return ", the same as in the previous round"
    way = "up" if now.value > before.value else "down"
    said = f", {way} from {percent(before.value)} in the previous round"
    found = change(now, before)
    return f"{said}, which may be chance" if found and is_chance(found) else said


def _names(ids: Sequence[str], tags: TagSpace) -> str:
    return ", ".join(listing([tag_label(str(tag_id), tags) for tag_id in ids], _MOST_TAGS, "tags"))


def _model_trained(said: Announcement, _: TagSpace) -> Message:
    kept = said.get("in_service_number")
    return message(_outcome(int(said["number"]), said.get("comparison"), int(kept) if kept else None))


def _outcome(number: int, comparison: Mapping[str, Any] | None, kept: int | None) -> str:
    """Return a training's result in words; earlier versions queued announcements without a comparison."""
    if not comparison:
        return f"🧪 Model {number} was trained. `/tier models` shows which model is in service."
    mark = "🎓" if comparison["promote"] and is_better(comparison) else "🧪"
    return f"{mark} {headline(number, comparison, kept)}"


def _model_statistics(said: Announcement, _: TagSpace) -> Message:
    comparison = said["comparison"]
    parent = f", compared with {safe(said['parent'], 60)}" if said.get("parent") else ""
    title = f"Statistics of model {_model(said)}{parent}"
    lines = [f"*{title}*", f"• {mrkdwn(statistics(comparison))}"]
    if off_policy := safe(said.get("off_policy") or "", _REASON):
        lines.append(f"• {off_policy[0].upper()}{off_policy[1:]}.")
    if said.get("parent") and (estimate := _estimate(said["accuracy"])).n:
        lines.append(f"• In service, {safe(said['parent'], 60)} was {accuracy(estimate)}.")
    lines.append(f"• It learned from {count(int(said['rows']), 'verdict')}.")
    if not comparison["promote"]:
        lines.append(f"• To use it anyway: `tierbot models promote {clean(str(said['model']), 60)}`.")
    return Message(title, (*sections(lines), context(RULE)))


def _model_rolled_back(said: Announcement, _: TagSpace) -> Message:
    return message(f"↩️ {person(str(said['by']))} rolled the model back: {_model(said)} is in service again.")


def _unclear(said: Announcement, _: TagSpace) -> Message:
    return message(f"I won't ask about “{safe(said['title'], 60)}”. {Unclear(said['reason']).in_words}")


def _late_vote(said: Announcement, _: TagSpace) -> Message:
    text = f"Thank you! Round {int(said['round'])} is over, so this vote doesn't score."
    return message(text + (" The next model still learns from it." if said["teaches"] else ""))


def _nudge(said: Announcement, _: TagSpace) -> Message:
    waiting = count(int(said["waiting"]), "story", "stories")
    text = (
        f"👋 You haven't played in round {int(said['round'])} yet, and {waiting} could use your opinion. "
        "Should I send you five?"
    )
    buttons = [button("Send me five", Button.FIVE, style="primary"), button("No more reminders", Button.QUIET)]
    how = "Up to one reminder a day, none in quiet hours. “No more reminders” also stops mentions; to undo it, use App Home."
    return Message(text, (section(text), actions(buttons, "tierbot_nudge"), context(how)))


def _model(said: Announcement) -> str:
    return f"{int(said['number'])} ({safe(said['model'], 60)})"


def _estimate(row: Mapping[str, Any]) -> Estimate:
    return Estimate(n=int(row["n"]), value=row["value"], low=row["low"], high=row["high"])


def _standing(row: Mapping[str, Any]) -> Standing:
    numbers = {key: int(row[key]) for key in ("rank", "score", "judged", "agreed", "settled")}
    return Standing(user=str(row["user"]), **numbers)


def _smoke_test_broken(said: Announcement, _: TagSpace) -> Message:
    line = f"🐤 The smoke test failed at “{safe(said['step'], 60)}”."
    lines = [line, safe(said["says"], _REASON)]
    lines += [f"{_STEP_MARKS.get(str(step['outcome']), '–')} {safe(step['name'], 60)}" for step in said["steps"]]
    hint = f"In <#{clean(str(said['channel']), 30)}>. Run `tierbot doctor` to investigate."
    return Message(line, (*sections(lines), context(hint)))


def _welcome(said: Announcement, tags: TagSpace) -> Message:
    bot = person(str(said["bot"])) if said.get("bot") else "@tierbot"
    if said.get("channel"):
        return message(
            f"I'm back and still playing in <#{said['channel']}>. To move me, type `/tier channel` in another channel."
        )
    lines = (
        (
            f"Hello! I post articles, each with the emoji of one of {len(tags.active)} topics, and learn from how your team "
            "reacts. To get started:"
        ),
        f"1. In the channel you want to play in, type `/invite {bot}`.\n2. In the same channel, type `/tier channel`.",
        (
            "Then `/tier push 5` posts the first five articles. `/tier` is for you and your workspace's admins; everyone can "
            "play."
        ),
    )
    return Message("Hello! Two steps to get started.", tuple(section(line) for line in lines))


def _emoji_missing(said: Announcement, _: TagSpace) -> Message:
    most = 10
    missing = [f"`:{safe(one['emoji'], 60)}:` ({safe(one['tag'], 60)})" for one in said["missing"]]
    named = ", ".join(missing[:most]) + (f" and {len(missing) - most} more" if len(missing) > most else "")
    text = (
        f"Slack no longer knows {named}. I still post about it, but without an emoji to click; people can choose the "
        "topic from ⋮ → _Name the right tag_. Add the emoji again (Customize workspace → Emoji), or give the topic another one."
    )
    return Message("A topic's emoji is missing.", (section(text),))


def _channel_closed(said: Announcement, _: TagSpace) -> Message:
    lines = [f"⏸️ {closed_channel(str(said['channel']), str(said['why']), said.get('bot'))}"]
    if waiting := int(said["waiting"]):
        lines.append(f"{count(waiting, 'message')} for this channel will go out then. Nothing is lost.")
    return Message("I can't post in the channel any more.", (section("\n".join(lines)),))


def _costly_feeds(said: Announcement, _: TagSpace) -> Message:
    found = said["feeds"]
    many = len(found) + int(said["more"])
    title = f"🛑 {count(many, 'feed')} {'takes' if many == 1 else 'take'} too much processor time or memory to read"
    lines = [f"*{title}*", *(f"• `{clean(one['url'], _REASON)}` {safe(one['problem'], _REASON)}" for one in found)]
    if said["more"]:
        lines.append(f"… and {int(said['more'])} more: `tierbot feeds list`.")
    hint = (
        "Nothing is posted from there; all other feeds are read as usual. I'll try again later, at most every 15 minutes and at "
        "least once a day. If this continues, remove the feed: `tierbot feeds remove URL`."
    )
    return Message(title, (*sections(lines), context(hint)))


def _doubts(said: Announcement, _: TagSpace) -> Message:
    found = said["doubts"]
    title = f"🔎 {count(len(found) + int(said['more']), 'doubt')} about how some colleagues vote"
    lines = [f"*{title}*", *(_doubt(one) for one in found)]
    if said["more"]:
        lines.append(f"… and {int(said['more'])} more: `tierbot doubts`.")
    effect = (
        "Their votes count half in verdicts until you overrule the doubt or the pattern stops"
        if said["halved"]
        else "As with everyone's votes, the weight of their votes depends on how well the other votes support them"
    )
    hint = (
        f"This is evidence, not proof: it may be honest disagreement. {effect}. Only admins see this; nobody is blocked "
        "and scores don't change. Overrule a doubt with `tierbot doubts --overrule ID`; the audit trail records it."
    )
    return Message(title, (*sections(lines), context(hint)))


def _doubt(one: Mapping[str, Any]) -> str:
    who = " and ".join(person(str(user)) for user in one["users"][:5])
    what = _BEHAVIORS.get(str(one["behavior"]), safe(one["behavior"], 40))
    # Speed has no p-value: nobody reads that fast by chance.
    odds = f" (p = {float(one['p_value']):.1g})" if one["p_value"] else ""
    evidence = safe(one["evidence"], _REASON)
    return f"• `{clean(str(one['id']), 20)}` {who} {what}: {evidence}{odds}."


_BEHAVIORS = {
    "score_farming": "may be playing for the score",
    "pushes_tag": "may be pushing one topic",
    "denies_tag": "may be denying one topic",
    "brigade": "may be coordinating votes against the others",
}
_STEP_MARKS = {"ok": "✓", "broken": "✗"}
_KINDS: Mapping[str, Callable[[Announcement, TagSpace], Message]] = {
    "round_closed": _round_closed,
    "model_promoted": _model_trained,
    "model_refused": _model_trained,
    "model_statistics": _model_statistics,
    "model_rolled_back": _model_rolled_back,
    "late_vote": _late_vote,
    "nudge": _nudge,
    "smoke_test_broken": _smoke_test_broken,
    "doubts": _doubts,
    "unclear": _unclear,
    "welcome": _welcome,
    "emoji_missing": _emoji_missing,
    "channel_closed": _channel_closed,
    "costly_feeds": _costly_feeds,
}
