"""Article → prediction → post: articles are chosen, predicted, and queued as posts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tierbot.domain.articles.boundaries import Boundary, HeldBack
from tierbot.domain.nouns import Post, Round, Thread, TierbotError, key
from tierbot.domain.predict.asking import Asked, Asking
from tierbot.domain.tags import TagSpace
from tierbot.use_cases.asking.choosing import Chooser
from tierbot.use_cases.delivery.announcing import announce, channel_of
from tierbot.use_cases.delivery.contents import deliveries_of
from tierbot.use_cases.ports import Clock, DeliveryKind, Store, Transaction
from tierbot.use_cases.recent_posts import open_round

Progress = Callable[[Transaction, int], None]
"""Called in each transaction that queues posts, with the number of chosen articles still to queue."""

_AT_ONCE = 25  # posts in one transaction: reactions wait for it, and Slack waits three seconds for them
_ATTEMPTS = 5  # attempts to choose while another process asks about the same articles


@dataclass(eq=False)
class Ask:
    """Queues posts in any workspace. Safe to repeat: an article is asked about once."""

    store: Store
    clock: Clock
    chooser: Chooser
    default_channel: str  # for workspaces that haven't chosen one; may be empty

    def __call__(
        self,
        workspace: str,
        count: int,
        *,
        spread: timedelta = timedelta(0),
        channel: str | None = None,
        progress: Progress = lambda *_: None,
    ) -> int:
        """Choose up to `count` waiting articles, predict, and queue a post of each; return how many.

        The posts fall due evenly over `spread`, in the workspace's channel or the one given. They are written a
        few at a time; each transaction calls `progress` with the number still to queue.
        """
        posted = 0
        for _ in range(_ATTEMPTS):
            if posted >= count:
                break
            chosen = self.chooser.choose(workspace, count - posted)
            new = self._queue(workspace, chosen, spread, channel, progress)
            posted += new
            if new == len(chosen.asked):
                break  # otherwise another process has asked about some of them
        return posted

    def in_threads(self, workspace: str) -> int:
        """Queue a post, in its thread, for each message that someone asked about; return how many.

        If a message says too little for this model, the person who asked is told so instead.
        """
        chosen = self.chooser.for_threads(workspace)
        unclear = [one for one in chosen.held if one.held.boundary is Boundary.UNCLEAR]

        def tell(tx: Transaction, left: int) -> None:
            if not left:
                _tell(tx, unclear, self.clock.now())

        return self._queue(workspace, chosen, timedelta(0), None, tell)

    def _queue(self, workspace: str, chosen: Asking, spread: timedelta, channel: str | None, progress: Progress) -> int:
        step = spread / max(1, len(chosen.asked))
        posted = 0
        for start in range(0, max(1, len(chosen.asked)), _AT_ONCE):
            few = chosen.asked[start : start + _AT_ONCE]
            with self.store.begin(workspace) as tx:
                round_ = open_round(tx)
                where = channel or channel_of(tx, self.default_channel)
                articles = tx.articles.get(item.prediction.article_id for item in few)
                if not where and not all(article.asked_in for article in articles.values()):
                    raise TierbotError("No channel is chosen yet. Type `/tier channel` in the channel to use.")
                now, tags = self.clock.now(), tx.workspaces.tags()
                for place, item in enumerate(few, start):
                    thread = articles[item.prediction.article_id].asked_in
                    posted += _queue_post(tx, item, round_, tags, now, now + place * step, where, thread)
                if start + _AT_ONCE >= len(chosen.asked):
                    tx.held_back.add(chosen.held)
                progress(tx, len(chosen.asked) - posted)
        return posted


def _tell(tx: Transaction, unclear: Sequence[HeldBack], now: datetime) -> None:
    """Queue a message to each person who asked about a message that says too little; only they see it."""
    articles = tx.articles.get(one.article_id for one in unclear)
    for one in unclear:
        article = articles[one.article_id]
        if article.asked_in is not None and article.asked_by:
            news = {"kind": "unclear", "user": article.asked_by, "title": article.title, "reason": one.held.rule}
            name = key("unclear", article.id, one.grounds)
            announce(tx, name, news, article.asked_in.channel, now, kind=DeliveryKind.THANK)


def _queue_post(
    tx: Transaction,
    asked: Asked,
    round_: Round,
    tags: TagSpace,
    now: datetime,
    due_at: datetime,
    channel: str,
    thread: Thread | None,
) -> bool:
    prediction = asked.prediction
    post = Post(
        id=key("post", prediction.article_id),
        prediction_id=prediction.id,
        article_id=prediction.article_id,
        round_number=round_.number,
        arm=asked.arm,
        arm_probability=asked.arm_probability,
        shown_tag=prediction.shown_tag,
        channel=thread.channel if thread else channel,
        created_at=now,
    )
    if not tx.posts.add(prediction, post):
        return False
    tx.outbox.add(deliveries_of(post, tags, due_at, thread))
    return True
