"""What an admin asks for is answered with how much of it will happen, and what is needed for the rest."""

from dataclasses import replace

import pytest

from tierbot.adapters.slack.messages.requests import push_answer, retrain_answer
from tierbot.domain.rounds.boards import Push, Queue, TrainingData

QUEUE = Queue(waiting=12, requested=0, unsent=0, next_push=None, paused=False)
PUSH = Push(5, 5, QUEUE, 5.0, quiet=False)
DATA = TrainingData(verdicts=20, new=3, imported=False, judged=9)


@pytest.mark.parametrize(
    ("push", "says"),
    [
        (PUSH, "I'm posting 5 of 12 waiting stories in #c."),
        (
            replace(PUSH, quiet=True),
            "I'm posting 5 of 12 waiting stories in #c. Quiet hours only stop scheduled posts.",
        ),
        (replace(PUSH, count=20, posts=12), "I'm posting 12 in #c, not 20: that's all the waiting stories."),
        (
            replace(PUSH, count=200, posts=12, queue=replace(QUEUE, unsent=98, paused=True), seconds=110.0),
            (
                "I'm posting 12 in #c, not 200: that's all the waiting stories. 98 earlier posts go first. "
                "At Slack's pace, that takes about 2 minutes. Scheduled posts stay paused."
            ),
        ),
        (
            replace(PUSH, posts=2, queue=replace(QUEUE, requested=10)),
            "I'm posting 2 in #c, not 5: that's all the waiting stories that earlier pushes leave. 10 earlier posts go first.",
        ),
        (
            replace(PUSH, posts=0, queue=replace(QUEUE, requested=12)),
            "12 stories are waiting, and an earlier push of 12 posts takes all of them. Add more with `tierbot add FILE`.",
        ),
        (
            replace(PUSH, posts=0, queue=replace(QUEUE, waiting=0)),
            "No stories are waiting, so I can't post any. Add some with `tierbot add FILE` or `tierbot feeds add URL`.",
        ),
    ],
)
def test_a_push_says_how_many_of_how_many(push: Push, says: str) -> None:
    assert push_answer(push, "#c") == says


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (DATA, "I'm training a new model on 20 settled posts, 3 of them new. I'll announce the result in #c."),
        (
            replace(DATA, new=0),
            (
                "I'm training a new model on 20 settled posts, none of them new since the last training. "
                "I'll announce the result in #c."
            ),
        ),
        (
            TrainingData(0, 0, imported=True, judged=0),
            "I'm training a new model on the imported labels; no post is settled yet. I'll announce the result in #c.",
        ),
        (
            TrainingData(0, 0, imported=False, judged=0),
            (
                "There's nothing to learn from yet: no post is settled. A post is settled once two colleagues agree on its topic. "
                "React to some posts, then type `/tier retrain` again."
            ),
        ),
        (
            TrainingData(0, 0, imported=False, judged=1),
            (
                "There's nothing to learn from yet: 1 post of this round has votes so far, but no post is settled. A post is "
                "settled once two colleagues agree on its topic. React to some posts, then type `/tier retrain` again."
            ),
        ),
        (
            replace(DATA, untrainable="guru-1.0-abc"),
            "guru-1.0-abc is in service and can't be trained. Go back to one of my models with `/tier rollback`.",
        ),
    ],
)
def test_a_retraining_says_what_it_learns_from_or_what_is_missing(data: TrainingData, says: str) -> None:
    assert retrain_answer(data, "#c") == says
