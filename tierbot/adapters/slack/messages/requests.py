"""Answers to admins' requests. They promise only what will happen."""

from tierbot.adapters.slack.block_kit.text import safe
from tierbot.adapters.slack.block_kit.words import count
from tierbot.domain.rounds.boards import Push, TrainingData

_SOON, _MINUTE = 60, 60  # seconds


def push_answer(push: Push, where: str) -> str:
    """Return the answer to `/tier push`, as mrkdwn; `where`: the channel's mention."""
    waiting = push.queue.waiting
    if not waiting:
        return (
            "No stories are waiting, so I can't post any. Add some with `tierbot add FILE` or `tierbot feeds add URL`."
        )
    if not push.posts:
        taken = count(push.queue.requested, "post")
        return (
            f"{_stories(waiting)}, and an earlier push of {taken} takes all of them. Add more with `tierbot add FILE`."
        )
    if push.posts < push.count:
        said = [f"I'm posting {push.posts:,} in {where}, not {push.count:,}: {_left(push)}."]
    else:
        said = [f"I'm posting {push.posts:,} of {count(waiting, 'waiting story', 'waiting stories')} in {where}."]
    if ahead := push.queue.unsent + push.queue.requested:
        said.append(f"{count(ahead, 'earlier post')} {'goes' if ahead == 1 else 'go'} first.")
    if push.seconds > _SOON:
        said.append(f"At Slack's pace, that takes about {count(round(push.seconds / _MINUTE), 'minute')}.")
    if push.queue.paused:
        said.append("Scheduled posts stay paused.")
    elif push.quiet:
        said.append("Quiet hours only stop scheduled posts.")
    return " ".join(said)


def _left(push: Push) -> str:
    others = " that earlier pushes leave" if push.queue.requested else ""
    return f"that's all the waiting stories{others}"


def _stories(number: int) -> str:
    return f"{count(number, 'story', 'stories')} {'is' if number == 1 else 'are'} waiting"


def retrain_answer(data: TrainingData, where: str) -> str:
    """Return the answer to `/tier retrain`, as mrkdwn; `where`: the channel's mention."""
    if data.untrainable:
        return f"{safe(data.untrainable, 60)} is in service and can't be trained. Go back to one of my models with `/tier rollback`."
    if not data.verdicts and not data.imported:
        so_far = (
            f"{count(data.judged, 'post')} of this round {'has' if data.judged == 1 else 'have'} votes so far, but "
        )
        return (
            f"There's nothing to learn from yet: {so_far if data.judged else ''}no post is settled. A post is settled once two "
            "colleagues agree on its topic. React to some posts, then type `/tier retrain` again."
        )
    if not data.verdicts:
        return f"I'm training a new model on the imported labels; no post is settled yet. I'll announce the result in {where}."
    new = f"{data.new:,} of them new" if data.new else "none of them new since the last training"
    return f"I'm training a new model on {count(data.verdicts, 'settled post')}, {new}. I'll announce the result in {where}."
