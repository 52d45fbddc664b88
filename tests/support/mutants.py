"""Bots that are wrong on purpose: the ten faults that chaos must find, and one that only its count of missed events finds.

Each replaces a piece of a function's source in the running process; the files stay as they are. A process of
tests/support/commands.py becomes the mutant that its environment names (MUTANT). If the piece isn't there once, the
mutant no longer fits the bot: that is an error, not a pass.
"""

import importlib
import inspect
import textwrap
import types
from dataclasses import dataclass
from typing import Any

from tests.support.chaos_checks import Promise

MUTANT = "TESTS_MUTANT"


@dataclass(frozen=True)
class Mutant:
    """`old` becomes `new` in the function at `target` (module:qualified name), and more such `changes`; chaos must find `breaks`."""

    changes: tuple[tuple[str, str, str], ...]
    breaks: Promise
    faults: tuple[tuple[str, float], ...] = ()  # of the sandbox: those without which it does no harm


_RECORD = "tierbot.use_cases.voting.recording:Recorder.record"
_VOTE = "tierbot.adapters.slack.reactions.inbox:Inbox.vote"
_REGISTER = "tierbot.adapters.slack.reactions.inbox:register"
_SEND = "tierbot.adapters.slack.messages.chat:SlackChat._send"
_POST = "tierbot.adapters.slack.messages.chat:SlackChat.post"
_MISSED = "tierbot.domain.feedback.reconciliation:missed_events"
_WAITING = "written: Future[bool] = Future()"
_SENT = 'return str(sent["ts"])'
_UNMARKED = "call(self._client.chat_postMessage, channel=channel, **message.as_arguments())"
_APPEND = "tierbot.adapters.store.ledger:SqlLedger.append_all"
_MINE = 'mine = {"workspace_id": self._workspace}'
_LATE = "_event.c.received_at < events[0].received_at - __import__('datetime').timedelta(seconds=2)"
_LOSE = f"self._drop(ReactionEventRow, _event.c.seq % 20 == 0, {_LATE})"
_ADDED_ONLY = (_VOTE, "if event is None or", "if event is None or not event.added or")

MUTANTS = {
    "drops_every_50th_reaction": Mutant(
        ((_RECORD, _WAITING, f"if sum(event.event_id.encode()) % 50 == 0: return True\n        {_WAITING}"),),
        Promise.STORED,
    ),
    "drops_all_reactions": Mutant(((_RECORD, _WAITING, f"return True\n        {_WAITING}"),), Promise.STORED),
    "ignores_removals_at_the_inbox": Mutant((_ADDED_ONLY,), Promise.STORED),
    "ignores_removals_everywhere": Mutant(
        (_ADDED_ONLY, (_MISSED, "for user, name in held - shown if", "for user, name in () if")), Promise.STORED
    ),
    "acknowledges_before_the_commit": Mutant(
        (
            (
                _REGISTER,
                "inbox.game.record(str(context.team_id), event)",
                '__import__("threading").Thread(target=inbox.game.record, args=(str(context.team_id), event)).start()',
            ),
        ),
        Promise.STORED,
    ),
    "sends_twice_with_the_mark": Mutant(
        (
            (
                _POST,
                "return self._send(view.post.channel, said, delivery_id, view.thread)",
                "return [self._send(view.post.channel, said, delivery_id, view.thread) for _ in range(2)][0]",
            ),
        ),
        Promise.ONCE,
    ),
    "sends_twice_without_the_mark": Mutant(((_SEND, _SENT, f"{_UNMARKED}\n        {_SENT}"),), Promise.ONCE),
    "does_not_look_before_it_sends_again": Mutant(
        (
            (
                "tierbot.use_cases.delivery.dispatch:Dispatcher._attempt",
                "if delivery.search is None:",
                "if True:",
            ),
        ),
        Promise.ONCE,
        (("api_lost_answer", 0.3),),
    ),
    "does_not_reconcile": Mutant(
        (
            (
                "tierbot.use_cases.voting.reconciling:Reconciler.sweep",
                "run = self._run(workspace, resume or {})",
                "return Sweep(0)\n        run = self._run(workspace, resume or {})",
            ),
        ),
        Promise.LEDGER,
    ),
    "miscounts_votes": Mutant(
        (("tierbot.domain.feedback.votes:reading", "REJECT: (Says.REJECTS, None)", "REJECT: (Says.UNSURE, None)"),),
        Promise.VOTES,
    ),
    "loses_rows_after_their_acknowledgment": Mutant(
        ((_APPEND, _MINE, f"{_LOSE}\n        {_MINE}"),), Promise.ONLY_MISSED
    ),
}


def become(name: str) -> None:
    """Change this process's bot into a mutant. Raises ValueError for an unknown one, or if it doesn't fit the bot."""
    for function, code in _changed(name):
        function.__code__ = code


def check(name: str) -> None:
    """Raise ValueError unless a mutant fits the bot as it is."""
    _changed(name)


def _changed(name: str) -> list[tuple[Any, types.CodeType]]:
    if name not in MUTANTS:
        raise ValueError(f"unknown mutant {name!r}; known: {', '.join(MUTANTS)}")
    return [_replaced(*change) for change in MUTANTS[name].changes]


def _replaced(target: str, old: str, new: str) -> tuple[Any, types.CodeType]:
    module_name, _, path = target.partition(":")
    module = importlib.import_module(module_name)
    function: Any = module
    for part in path.split("."):
        function = getattr(function, part, None)
    if not isinstance(function, types.FunctionType):
        raise ValueError(f"{target} is no function any more: adapt its mutant")  # noqa: TRY004
    source = inspect.getsource(function)
    if source.count(old) != 1:
        raise ValueError(f"{target} has {old!r} {source.count(old)} times instead of once: adapt its mutant")
    namespace: dict[str, Any] = {}
    mutated = textwrap.dedent(source.replace(old, new))
    exec(compile(mutated, f"<mutant of {target}>", "exec"), module.__dict__, namespace)  # noqa: S102 - our own source
    return function, namespace[function.__name__].__code__
