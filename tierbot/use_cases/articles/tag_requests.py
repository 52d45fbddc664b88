"""Messages that somebody wants to be tagged: taken in at once, asked about in their thread soon after.

A message is copied because a person asked for it, and the question stays below it: nothing private goes elsewhere.
"""

from tierbot.domain.articles.cleaning import clean_text, shorten
from tierbot.domain.nouns import Article, Thread, TierbotError, key
from tierbot.use_cases.ports import Clock, Job, Store

JOB = "ask in threads"
_TITLE = 150  # characters of a message that head its post


class NothingToReadError(TierbotError):
    """A message without a letter or a digit; the text is for the person who asked."""


class TagRequests:
    """Takes requests in any workspace. Quick: a listener may wait for it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def take(self, workspace: str, user: str, message: Thread, thread: str, text: str) -> bool:
        """Let the text of a message be asked about in the thread below `thread`; False if it was asked about before.

        Raises NothingToReadError if there is nothing in it to read.
        """
        text = clean_text(text)
        if not any(letter.isalnum() for letter in text):
            raise NothingToReadError("There is no text in that message that I could read.")
        now = self._clock.now()
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
        with self._store.begin(workspace) as tx:
            if not tx.articles.add([article]):
                return False
            tx.agenda.ask(Job.request(JOB, key(JOB, article.id), now))
        return True
