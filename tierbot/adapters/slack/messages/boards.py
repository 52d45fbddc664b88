"""Answers to people's questions as messages: leaderboard, own score, round, models."""

from collections.abc import Callable, Sequence
from datetime import datetime

from tierbot.adapters.slack.block_kit.blocks import Block, Message, context, header, listing, message, section, sections
from tierbot.adapters.slack.block_kit.text import person, safe
from tierbot.adapters.slack.block_kit.words import accuracy, count, day, ordinal, percent, remaining
from tierbot.domain.nouns import ModelState, ModelVersion, Standing
from tierbot.domain.rounds.boards import Leaderboard, MyScore, RoundStatus

_MEDALS = {1: "🥇", 2: "🥈", 3: "🥉"}
_MOST_LINES = 20
_STATES = {ModelState.CHAMPION: "🏅 in service", ModelState.CHALLENGER: "challenger", ModelState.RETIRED: "retired"}

Named = Callable[[str], str]  # user id → mention or name, as mrkdwn


def standing_line(standing: Standing, named: Named = person) -> str:
    """Return one line of a leaderboard."""
    place = _MEDALS.get(standing.rank, f"{standing.rank}.")
    said = f"{place} {named(standing.user)} *{standing.score:,}*"
    return said if standing.agreement is None else f"{said} · {percent(standing.agreement)} agreement"


def render_leaderboard(board: Leaderboard, now: datetime, named: Named = person) -> Message:
    """Return a leaderboard, with the time left in an open round or the winners of a frozen one.

    Anyone can show it in the channel, so `named` should return names: a mention pings the person.
    """
    name = "All time" if board.round_number is None else f"Round {board.round_number}"
    title = f"Leaderboard · {name}"
    lines = listing([standing_line(standing, named) for standing in board.standings], _MOST_LINES, "trainers")
    if not lines:
        lines = ["Nobody has judged an article yet. React to a post with the emoji of its topic."]
    blocks: list[Block] = [header(title), *sections(lines)]
    if board.frozen:
        won = [f"🏆 {named(board.champion)} is the champion."] if board.champion else []
        won += [f"🎯 {named(board.sharpshooter)} is the sharpshooter."] if board.sharpshooter else []
        blocks += [section(" ".join(won))] if won else []
        blocks.append(context("This round is closed; its standings are final."))
    elif board.closes_at is not None:
        blocks.append(context(f"The round closes in {remaining(board.closes_at, now)}. One point per article judged."))
    leader = f": {named(board.standings[0].user)} leads" if board.standings and not board.frozen else ""
    return Message(title + leader, tuple(blocks))


def render_my_score(score: MyScore, named: Named = person) -> Message:
    """Return a trainer's own score; `named` as in the leaderboard."""
    mine = score.standing
    if mine is None:
        said = (
            f"You haven't judged an article in round {score.round_number} yet. React to a post with its topic's emoji."
        )
        return Message(said, (section(said), *_streak(score.streak)))
    place = f"{ordinal(mine.rank)} of {score.trainers:,}"
    said = f"Round {score.round_number}: you are {place} with {count(mine.score, 'point')}."
    lines = [f"*Round {score.round_number}*: you are *{place}* with *{count(mine.score, 'point')}*."]
    lines.append(f"{count(mine.judged, 'article')} judged, {mine.settled:,} of them settled.")
    if mine.agreement is not None:
        lines[-1] += f" You agreed with the team on {percent(mine.agreement)}."
    if score.ahead is None:
        lines.append("Nobody is ahead of you. 🏆")
    else:
        gap = max(1, score.ahead.score - mine.score + 1)
        lines.append(f"{count(gap, 'more article')} to pass {named(score.ahead.user)}.")
    return Message(said, (section("\n".join(lines)), *_streak(score.streak)))


def _streak(days: int) -> list[Block]:
    return [context(f"🔥 {count(days, 'day')} in a row")] if days > 1 else []


def render_round_status(status: RoundStatus, now: datetime) -> Message:
    """Return a round's status, for admins."""
    title = f"Round {status.round.number}"
    when = f"opened {day(status.round.opened_at)}, closes in {remaining(status.round.closes_at, now)}"
    if status.round.frozen_at is not None:
        when = f"closed {day(status.round.frozen_at)}"
    lines = [
        f"*{title}*: {when}.",
        f"{count(status.posts, 'post')}, {status.judged:,} judged by {count(status.trainers, 'trainer')}.",
        f"Settled: {status.named:,} named, {status.wrong:,} wrong, {status.abstained:,} undecided.",
        f"The model: {accuracy(status.accuracy)}.",
        f"On blank posts, which name no tag: {accuracy(status.blank_accuracy)}.",
    ]
    return Message(f"{title}: {count(status.posts, 'post')}, {status.judged:,} judged", (section("\n".join(lines)),))


def render_models(versions: Sequence[ModelVersion]) -> Message:
    """Return the model versions, newest first."""
    if not versions:
        return message("There's no model yet. Train one with `/tier retrain`.")
    lines = listing([_model_line(version) for version in versions], _MOST_LINES, "models")
    return Message(f"{count(len(versions), 'model')}", (header("Models"), *sections(lines)))


def _model_line(version: ModelVersion) -> str:
    name = safe(version.id, 60)
    parent = f", from {safe(version.parent, 60)}" if version.parent else ""
    return f"*{version.number}* · {name} · {_STATES[version.state]} · created {day(version.created_at)}{parent}"
