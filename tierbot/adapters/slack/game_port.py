"""What the listeners ask of the game. It has these methods; nothing else of it is known here."""

from collections.abc import Collection
from typing import Protocol

from tierbot.domain.nouns import ModelVersion, ReactionEvent, Thread
from tierbot.domain.predict.explain import Explanation
from tierbot.domain.rounds.boards import Home, Leaderboard, MyScore, RoundStatus
from tierbot.use_cases.voting.menu_votes import Menu


class GamePort(Protocol):
    """The game as Slack's listeners see it. Any method may raise TierbotError with a text for the person who asked."""

    def record(self, workspace: str, event: ReactionEvent) -> bool:
        """Write an event to the ledger; False if it was there already."""
        ...

    def touched(self, workspace: str) -> None:
        """Ask the background worker to tally and settle soon."""
        ...

    def leaderboard(self, workspace: str, which: str) -> Leaderboard:
        """Return standings; `which` is "this", "last", "all" or a round's number."""
        ...

    def my_score(self, workspace: str, user: str) -> MyScore:
        """Return one trainer's view of the current round."""
        ...

    def round_status(self, workspace: str) -> RoundStatus:
        """Return how the current round is going."""
        ...

    def models(self, workspace: str) -> list[ModelVersion]:
        """Return all model versions, newest first."""
        ...

    def request(self, workspace: str, job: str, by: str, trigger: str, **details: int | str) -> bool:
        """Ask for a job: "push" (count=), "retrain" or "close_round". Returns at once; False if it was asked before.

        trigger: Slack's id of the command, the same however often the command is delivered.
        """
        ...

    def pause(self, workspace: str, by: str) -> bool:
        """Stop posting; False if it was paused already."""
        ...

    def resume(self, workspace: str, by: str) -> bool:
        """Post again; False if it was not paused."""
        ...

    def channel(self, workspace: str) -> str:
        """Return the channel that a workspace plays in; empty if none is chosen yet."""
        ...

    def choose_channel(self, workspace: str, channel: str, by: str) -> bool:
        """GamePort in another channel from the next post on; False if it is that one already."""
        ...

    def rollback(self, workspace: str, by: str) -> ModelVersion:
        """Put the former champion back in service and return it."""
        ...


class Explanations(Protocol):
    """Why a post shows what it shows. Any method may raise TierbotError with a text for the person who asked."""

    def post_for(self, workspace: str, user: str, channel: str, ts: str) -> str:
        """Return the id of the post at a message, for someone who has voted on it. Quick."""
        ...

    def explanation(self, workspace: str, post_id: str) -> Explanation:
        """Return why it shows what it shows; it may take some seconds."""
        ...


class Requests(Protocol):
    """Messages that somebody wants to be tagged."""

    def take(self, workspace: str, user: str, message: Thread, thread: str, text: str) -> bool:
        """Let a message's text be asked about in the thread below `thread`; False if it was before. Quick.

        Raises TierbotError with a text for the person who asked.
        """
        ...


class MenuVotes(Protocol):
    """Votes by menu. Any method may raise TierbotError with a text for the person who votes."""

    def menu(self, workspace: str, user: str, channel: str, ts: str) -> Menu:
        """Return the menu for the post at a message. Quick."""
        ...

    def name(self, workspace: str, user: str, channel: str, ts: str, tag_ids: Collection[str], form: str) -> bool:
        """Let the user's vote by menu be these tags; False if nothing changed."""
        ...


class Invitations(Protocol):
    """Posts by direct message."""

    def send(self, workspace: str, user: str) -> int:
        """Queue some posts for a trainer to judge; return how many. Not quick."""
        ...


class HomePage(Protocol):
    """App Home. Any method may raise TierbotError."""

    def of(self, workspace: str, user: str) -> Home:
        """Return what it shows a trainer. Quick."""
        ...

    def opt_out(self, workspace: str, user: str, name: str, *, opted_out: bool) -> bool:
        """Leave a trainer out of mentions and nudges, or let them in again."""
        ...
