"""Requests to tag a message: tierbot asks about it soon, and only in its own thread, because it may be private."""

from dataclasses import dataclass

from tierbot.domain.articles.cleaning import clean, shorten
from tierbot.domain.nouns import Article, Thread, TierbotError, key
from tierbot.domain.predict.unclear import why_unclear
from tierbot.use_cases.ports import Clock, Job, Store

JOB = "ask in threads"
_TITLE = 150  # characters of a message used as the title of its post


class NothingToReadError(TierbotError):
    """A message that says too little to ask about; its text is shown to the requester."""


@dataclass(eq=False)
class TagRequests:
    """Stores requests in any workspace. Fast enough for a listener to wait."""

    store: Store
    clock: Clock

    def take(self, workspace: str, user: str, message: Thread, thread: str, text: str) -> bool:
        """Store a request to ask about a text in a thread; False if it isn't new. Raises NothingToReadError."""
        text = clean(text)
        (why,) = why_unclear([text])
        if why is not None:
            raise NothingToReadError(why.in_words)
        now = self.clock.now()
        article = Article(
            id=key("message", message.channel, message.ts),
            title=shorten(text, _TITLE),
            text=text if len(text) > _TITLE else "",
            url="",
            source="",
            received_at=now,
            asked_by=user,
            asked_in=Thread(message.channel, thread),
        )
        with self.store.begin(workspace) as tx:
            if not tx.articles.add([article]):
                return False
            tx.agenda.ask(Job.request(JOB, key(JOB, article.id), now))
        return True
