"""Channels that don't take the bot's messages now, and channels whose id changed."""

from sqlalchemy import Text, func, literal, select

from tierbot.adapters.store.columns import table
from tierbot.adapters.store.rows import ArticleRow, MessageTallyRow, PostRow, ReactionEventRow
from tierbot.adapters.store.work_rows import ClosedChannelRow, OutboxRow
from tierbot.adapters.store.workspace_queries import Stored, WorkspaceQueries, chunks
from tierbot.use_cases.ports import ClosedChannel, DeliveryState

_closed = table(ClosedChannelRow)
_post = table(PostRow)
_event = table(ReactionEventRow)
_message = table(MessageTallyRow)
_outbox = table(OutboxRow)
_article = table(ArticleRow)
_CLOSED = Stored(ClosedChannelRow, ClosedChannel)


class SqlChannels(WorkspaceQueries):
    """ports.Channels."""

    def closed(self) -> list[ClosedChannel]:
        return self._nouns(_CLOSED, order=(_closed.c.since, _closed.c.channel))

    def close(self, channel: ClosedChannel) -> None:
        self._put(ClosedChannelRow, _CLOSED.values(channel))

    def open(self, channel: str) -> bool:
        return self._drop(ClosedChannelRow, _closed.c.channel == channel) == 1

    def change_id(self, old: str, new: str, limit: int) -> int:
        unsent = _outbox.c.state.not_in((DeliveryState.DONE, DeliveryState.DROPPED))
        self._change(OutboxRow, _outbox.c.channel == old, unsent, channel=new)
        self._change(PostRow, _post.c.channel == old, _post.c.ts.is_(None), channel=new)
        in_threads = _article.c.asked_in.startswith(f"{old}/", autoescape=True)
        rest = func.substr(_article.c.asked_in, len(old) + 1, type_=Text)
        self._change(ArticleRow, in_threads, asked_in=literal(new, Text) + rest)
        sent = self._select(PostRow, _post.c.ts).where(_post.c.channel == old).limit(limit)
        moved = list(self._connection.execute(sent).scalars())
        for part in chunks(moved):
            for former, timestamps in [(old, part), *self._between(old, new, part)]:
                self._move(former, new, timestamps)
        return len(moved)

    def gather(self, channel: str, ts: str) -> None:
        for former, timestamps in self._between(channel, channel, [ts]):
            self._move(former, channel, timestamps)

    def _between(self, old: str, new: str, timestamps: list[str]) -> list[tuple[str, list[str]]]:
        """Return ids that the channel had meanwhile, each with the messages that got reactions under it.

        Slack's event about such an id was lost. No other message of ours has the same timestamp there.
        """
        another = select(_post.c.id).where(
            self._mine(PostRow), _post.c.channel == _message.c.channel, _post.c.ts == _message.c.ts
        )
        strays = self._select(MessageTallyRow, _message.c.channel, _message.c.ts).where(
            _message.c.ts.in_(timestamps), _message.c.channel.not_in((old, new)), ~another.exists()
        )
        found: dict[str, list[str]] = {}
        for channel, ts in self._connection.execute(strays):
            found.setdefault(channel, []).append(ts)
        return sorted(found.items())

    def _move(self, old: str, new: str, timestamps: list[str]) -> None:
        """Move messages with the reactions to them."""
        here = (_message.c.channel == new, _message.c.ts.in_(timestamps))
        known = list(self._connection.execute(self._select(MessageTallyRow, _message.c.ts).where(*here)).scalars())
        before = (_message.c.channel == old, _message.c.ts.in_(timestamps))
        self._change(ReactionEventRow, _event.c.channel == old, _event.c.ts.in_(timestamps), channel=new)
        self._drop(MessageTallyRow, *before, _message.c.ts.in_(known))
        self._change(MessageTallyRow, *before, channel=new)
        self._change(PostRow, _post.c.channel == old, _post.c.ts.in_(timestamps), channel=new)
        # Reactions under the new id may have arrived before the post was known there.
        latest = select(func.max(_event.c.seq)).where(
            self._mine(ReactionEventRow), _event.c.channel == new, _event.c.ts == _message.c.ts
        )
        again = {"ledger_cursor": latest.scalar_subquery(), "tallied_cursor": 0}
        self._change(MessageTallyRow, _message.c.channel == new, _message.c.ts.in_(known), **again)
