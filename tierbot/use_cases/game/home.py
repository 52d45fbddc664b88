"""App Home: a trainer's score, the model's accuracy, and a switch for mentions and nudges."""

from dataclasses import dataclass, replace

from tierbot.domain.nouns import Arm
from tierbot.domain.rounds.boards import Home
from tierbot.domain.rounds.figures import RoundFigures
from tierbot.domain.training.judge import accuracy
from tierbot.use_cases.asking.queue import queue_of
from tierbot.use_cases.game.questions import Game
from tierbot.use_cases.ports import Store
from tierbot.use_cases.recent_posts import recent_rounds

_ROUNDS = 6


@dataclass(eq=False)
class HomePage:
    """What App Home shows and changes, in any workspace."""

    store: Store
    game: Game

    def of(self, workspace: str, user: str) -> Home:
        """Return a trainer's home. Raises TierbotError before the first round is open."""
        score = self.game.my_score(workspace, user)
        board = self.game.leaderboard(workspace, "this")
        settings = self.game.settings
        with self.store.read(workspace) as tx:
            numbers = recent_rounds(tx, _ROUNDS)
            settled = tx.verdicts.settled(rounds=numbers)
            champion = tx.models.champion()
            trainer = tx.trainers.get(user)
            queue = queue_of(tx, self.game.boundaries, ask_unclear=settings.ask_unclear)
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
            queue=queue,
        )

    def opt_out(self, workspace: str, user: str, name: str, *, opted_out: bool) -> bool:
        """Turn a trainer's mentions (`name` replaces them) and nudges off or on; return whether that changed."""
        with self.store.begin(workspace) as tx:
            trainer = tx.trainers.get(user)
            tx.trainers.put(replace(trainer, name=name or trainer.name, opted_out=opted_out))
        return trainer.opted_out != opted_out
