"""App Home: a trainer's score, the model's accuracy, and a switch for mentions and nudges."""

from dataclasses import replace

from tierbot.domain.nouns import Arm
from tierbot.domain.rounds.boards import Home
from tierbot.domain.rounds.figures import RoundFigures
from tierbot.domain.training.judge import accuracy
from tierbot.use_cases.game.questions import Game
from tierbot.use_cases.ports import Store

_ROUNDS = 6


class HomePage:
    """What App Home shows and changes, in any workspace."""

    def __init__(self, store: Store, game: Game) -> None:
        self._store = store
        self._game = game

    def of(self, workspace: str, user: str) -> Home:
        """Return a trainer's home. Raises TierbotError before the first round is open."""
        score = self._game.my_score(workspace, user)
        board = self._game.leaderboard(workspace, "this")
        first = max(1, score.round_number - _ROUNDS + 1)
        numbers = range(first, score.round_number + 1)
        with self._store.read(workspace) as tx:
            settled = tx.verdicts.settled(rounds=list(numbers))
            champion = tx.models.champion()
            trainer = tx.trainers.get(user)
        progress = []
        for number in numbers:
            items = [item for item in settled if item.post.round_number == number]
            blank = accuracy(items, arm=Arm.BLANK, random_only=True)
            progress.append(RoundFigures(number, accuracy(items), blank))
        return Home(
            score=score,
            board=board,
            progress=tuple(progress),
            model=champion.id if champion else None,
            opted_out=trainer.opted_out,
        )

    def opt_out(self, workspace: str, user: str, name: str, *, opted_out: bool) -> bool:
        """Turn mentions and nudges of a trainer off or on; return whether that changed anything.

        `name` is shown in place of a mention.
        """
        with self._store.begin(workspace) as tx:
            trainer = tx.trainers.get(user)
            tx.trainers.put(replace(trainer, name=name or trainer.name, opted_out=opted_out))
        return trainer.opted_out != opted_out
