"""What people ask of the game, as messages: leaderboard, own score, round, models."""

from collections.abc import Callable, Sequence
from datetime import datetime

from tierbot.adapters.slack.block_kit.blocks import Block, Message, context, header, listing, section, sections
from tierbot.adapters.slack.block_kit.text import clean, mrkdwn, person
from tierbot.adapters.slack.block_kit.words import accuracy, count, day, ordinal, percent, remaining
from tierbot.domain.nouns import ModelState, ModelVersion, Standing
from tierbot.domain.rounds.boards import Leaderboard, MyScore, RoundStatus

_MEDALS = {1: "🥇", 2: "🥈", 3: "🥉"}
_MOST_LINES = 20
_STATES = {ModelState.CHAMPION: "🏅 in service", ModelState.CHALLENGER: "challenger", ModelState.RETIRED: "retired"}


Named = Callable[[str], str]  # a user id, as mrkdwn shows the person


def standing_line(standing: Standing, named: Named = person) -> str:
    """Return one line of a leaderboard."""
    place = _MEDALS.get(standing.rank, f"{standing.rank}.")
    said = f"{place} {named(standing.user)} *{standing.score:,}* · {count(standing.judged, 'article')} judged"
    return said if standing.agreement is None else f"{said} · {percent(standing.agreement)} agreement"


def render_leaderboard(board: Leaderboard, now: datetime, named: Named = person) -> Message:
    """Return a leaderboard; the open round says how long is left, a frozen one who won.

    It is shown in the channel at anyone's whim, so `named` should give names: a mention pings the person.
    """
    name = "All time" if board.round_number is None else f"Round {board.round_number}"
    title = f"Leaderboard · {name}"
    lines = listing([standing_line(standing, named) for standing in board.standings], _MOST_LINES, "trainers")
    if not lines:
        lines = ["Nobody has judged an article yet. React to a post with the emoji of its topic."]
    blocks: list[Block] = [header(title), *sections(lines)]
    if board.frozen:
        blocks += [section(won)] if (won := honours(board.champion, board.sharpshooter, named)) else []
        blocks.append(context("This round is closed; its standings stay as they are."))
    elif board.closes_at is not None:
        blocks.append(context(f"The round closes in {remaining(board.closes_at, now)}. One point per article judged."))
    leader = f": {named(board.standings[0].user)} leads" if board.standings and not board.frozen else ""
    return Message(title + leader, tuple(blocks))


def honours(champion: str | None, sharpshooter: str | None, named: Named = person) -> str:
    """Return who won what, empty if nobody did."""
    won = [f"🏆 {named(champion)} is the champion."] if champion else []
    won += [f"🎯 {named(sharpshooter)} is the sharpshooter."] if sharpshooter else []
    return " ".join(won)


def render_my_score(score: MyScore) -> Message:
    """Return one trainer's own score, for their eyes."""
    mine = score.standing
    if mine is None:
        said = (
            f"You have not judged an article in round {score.round_number} yet. React to a post with its topic's emoji."
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
        lines.append(f"{count(gap, 'more article')} to pass {person(score.ahead.user)}.")
    return Message(said, (section("\n".join(lines)), *_streak(score.streak)))


def _streak(days: int) -> list[Block]:
    return [context(f"🔥 {count(days, 'day')} in a row")] if days > 1 else []


def render_round_status(status: RoundStatus, now: datetime, *, paused: bool | None = None) -> Message:
    """Return how the round is going, for admins."""
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
    if paused:
        lines.append("Posting is paused.")
    return Message(f"{title}: {count(status.posts, 'post')}, {status.judged:,} judged", (section("\n".join(lines)),))


def render_models(versions: Sequence[ModelVersion]) -> Message:
    """Return the model versions, newest first."""
    if not versions:
        said = "There is no model yet. `/tier retrain` asks for one."
        return Message(said, (section(said),))
    lines = listing([_model_line(version) for version in versions], _MOST_LINES, "models")
    return Message(f"{count(len(versions), 'model')}", (header("Models"), *sections(lines)))


def _model_line(version: ModelVersion) -> str:
    name = mrkdwn(clean(version.id, 60))
    parent = f", from {mrkdwn(clean(version.parent, 60))}" if version.parent else ""
    return f"*{version.number}* · {name} · {_STATES[version.state]} · made {day(version.created_at)}{parent}"
