"""Announcements in the channel: a closed round, and what became of a model.

They come out of the outbox as JSON mappings; loop.announcements lists their keys.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tierbot.adapters.slack.block_kit.blocks import Block, Message, context, header, listing, section, sections
from tierbot.adapters.slack.block_kit.modals import Button, actions, button
from tierbot.adapters.slack.block_kit.text import clean, emoji, mrkdwn, person
from tierbot.adapters.slack.block_kit.words import accuracy, count, percent
from tierbot.adapters.slack.messages import notices
from tierbot.adapters.slack.messages.boards import Named, standing_line
from tierbot.adapters.slack.messages.doubts import render_doubts
from tierbot.domain.nouns import Estimate, Standing
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.ports import ChatError

_MOST_STANDINGS, _MOST_TAGS, _REASON = 10, 8, 400

Announcement = Mapping[str, Any]


def render_announcement(announcement: Announcement, tags: TagSpace) -> Message:
    """Return an announcement's message. Raises ChatError("unknown_announcement") for a kind that is not known."""
    kind = str(announcement.get("kind"))
    render = _KINDS.get(kind)
    if render is None:
        raise ChatError(
            "unknown_announcement", f"Announcement {kind!r} is of no kind that this version can write. Upgrade tierbot."
        )
    try:
        return render(announcement, tags)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise ChatError("bad_announcement", f"Announcement {kind!r} lacks what it needs: {fault!r}.") from fault


def _round_closed(said: Announcement, tags: TagSpace) -> Message:
    number, standings = int(said["round"]), [_standing(row) for row in said["standings"]]
    title = f"Round {number} is over"
    champion, sharpshooter = said.get("champion"), said.get("sharpshooter")
    named = _named(said.get("unmentioned") or {})
    blocks: list[Block] = [header(f"🏁 {title}")]
    if won := _winners(champion, sharpshooter, standings, named):
        blocks.append(section("\n".join(won)))
    lines = listing([standing_line(standing, named) for standing in standings], _MOST_STANDINGS, "trainers")
    blocks += sections(lines or ["Nobody judged an article this time. The next round has begun."])
    blocks += [section("\n".join([*_learned(said, tags), *_trained(said.get("training"))]))]
    blocks.append(
        context(
            f"{count(int(said['posts']), 'post')}, {int(said['judged']):,} judged. "
            "Later votes on them still teach; they no longer score."
        )
    )
    return Message(f"{title}. 🏆 {named(champion)}" if champion else f"{title}.", tuple(blocks))


def _named(unmentioned: Mapping[str, str]) -> Named:
    """Return how people are named: mentioned, but for those who opted out of that."""

    def named(user: str) -> str:
        if user not in unmentioned:
            return person(user)
        return f"*{mrkdwn(clean(unmentioned[user], 60)) or 'a colleague'}*"

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
        lines.append(f"Blank posts, where no emoji was waiting to be clicked: {accuracy(blank)}.")
    if improved := _names(said.get("tags_improved") or (), tags):
        lines.append(f"Better at: {improved}.")
    if struggling := _names(said.get("tags_struggling") or (), tags):
        lines.append(f"Needs your help with: {struggling}.")
    return lines


def _trained(training: Mapping[str, Any] | None) -> list[str]:
    """Say what became of the round's challenger: its evidence in one sentence."""
    if not training:
        return []
    outcome, _, evidence = clean(str(training["reason"]), _REASON).partition(": ")
    number = int(training["number"])
    if training["promoted"]:
        said = [f"🎓 Model {number} went into service: {mrkdwn(evidence or outcome)}."]
    else:
        said = [f"🧪 Model {number} was trained and not taken into service: {mrkdwn(evidence or outcome)}."]
    if off_policy := mrkdwn(clean(str(training.get("off_policy") or ""), _REASON)):
        said.append(f"{off_policy[0].upper()}{off_policy[1:]}.")
    return said


def _compared(now: Estimate, previous: Mapping[str, Any] | None) -> str:
    before = _estimate(previous) if previous else None
    if before is None or before.value is None or now.value is None:
        return ""
    if percent(now.value) == percent(before.value):
        return ", level with the round before"
    way = "up" if now.value > before.value else "down"
    return f", {way} from {percent(before.value)} in the round before{_perhaps_chance(now, before)}"


def _perhaps_chance(now: Estimate, before: Estimate) -> str:
    if now.low is None or now.high is None or before.low is None or before.high is None:
        return ""
    apart = now.low > before.high or before.low > now.high
    return "" if apart else "; the intervals overlap, so it may be chance"


def _names(ids: Sequence[str], tags: TagSpace) -> str:
    known = [
        f"{emoji(tags[tag_id].short_name)} {mrkdwn(clean(tags[tag_id].name, 60))}"
        if tag_id in tags
        else mrkdwn(clean(str(tag_id), 60))
        for tag_id in ids
    ]
    return ", ".join(listing(known, _MOST_TAGS, "tags"))


def _model_promoted(said: Announcement, _: TagSpace) -> Message:
    line = f"🎓 Model {_model(said)} is now in service"
    parent = f" in place of {mrkdwn(clean(str(said['parent']), 60))}" if said.get("parent") else ""
    return _about_model(f"{line}{parent}.", said)


def _model_refused(said: Announcement, _: TagSpace) -> Message:
    in_service = said.get("in_service") or said.get("parent")
    stays = f" {mrkdwn(clean(str(in_service), 60))} stays in service." if in_service else ""
    return _about_model(f"🧪 Model {_model(said)} was trained and not taken into service.{stays}", said)


def _about_model(line: str, said: Announcement) -> Message:
    lines = [line]
    if reason := mrkdwn(clean(str(said.get("reason") or ""), _REASON)):
        lines.append(f"{reason[0].upper()}{reason[1:].removesuffix('.')}.")
    if said.get("accuracy") and (estimate := _estimate(said["accuracy"])).n:
        lines.append(f"Measured: {accuracy(estimate)}.")
    blocks = [section("\n".join(lines))]
    if said.get("rows"):
        blocks.append(context(f"It learned from {count(int(said['rows']), 'row')}, your verdicts among them."))
    return Message(line, tuple(blocks))


def _model_rolled_back(said: Announcement, _: TagSpace) -> Message:
    line = f"↩️ {person(str(said['by']))} rolled the model back: {_model(said)} is in service again."
    return Message(line, (section(line),))


def _late_vote(said: Announcement, _: TagSpace) -> Message:
    text = f"Thank you! Round {int(said['round'])} is over, so this vote no longer scores in it."
    if said["teaches"]:
        text += " It still teaches me: the next model learns from it."
    return Message(text, (section(text),))


def _nudge(said: Announcement, _: TagSpace) -> Message:
    waiting = count(int(said["waiting"]), "story", "stories")
    text = (
        f"👋 Round {int(said['round'])} goes on without you so far: {waiting} could use your opinion. "
        "Shall I send you five?"
    )
    buttons = [
        button("Send me five", Button.FIVE, style="primary"),
        button("No more reminders", Button.QUIET),
    ]
    how = "At most one reminder a day, none in quiet hours. One click ends them, mentions too; App Home turns it back."
    return Message(text, (section(text), actions(buttons, "tierbot_nudge"), context(how)))


def _model(said: Announcement) -> str:
    return f"{int(said['number'])} ({mrkdwn(clean(str(said['model']), 60))})"


def _estimate(row: Mapping[str, Any]) -> Estimate:
    return Estimate(n=int(row["n"]), value=row["value"], low=row["low"], high=row["high"])


def _standing(row: Mapping[str, Any]) -> Standing:
    numbers = {key: int(row[key]) for key in ("rank", "score", "judged", "agreed", "settled")}
    return Standing(user=str(row["user"]), **numbers)


def _smoke_test_broken(said: Announcement, _: TagSpace) -> Message:
    line = f"🐤 The canary's smoke test broke at “{mrkdwn(clean(str(said['step']), 60))}”."
    lines = [line, mrkdwn(clean(str(said["says"]), _REASON))]
    lines += [
        f"{_STEP_MARKS.get(str(step['outcome']), '–')} {mrkdwn(clean(str(step['name']), 60))}" for step in said["steps"]
    ]
    hint = f"In <#{clean(str(said['channel']), 30)}>. Look closer with `tierbot doctor`."
    return Message(line, (*sections(lines), context(hint)))


_STEP_MARKS = {"ok": "✓", "broken": "✗"}
_KINDS: Mapping[str, Callable[[Announcement, TagSpace], Message]] = {
    "round_closed": _round_closed,
    "model_promoted": _model_promoted,
    "model_refused": _model_refused,
    "model_rolled_back": _model_rolled_back,
    "late_vote": _late_vote,
    "nudge": _nudge,
    "smoke_test_broken": _smoke_test_broken,
    "doubts": render_doubts,
    "welcome": notices.welcome,
    "emoji_missing": notices.emoji_missing,
}
