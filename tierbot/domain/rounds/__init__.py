"""The game: rounds, scores and standings, computed from votes and verdicts by pure functions."""

from tierbot.domain.rounds.boards import Leaderboard, MyScore, RoundStatus
from tierbot.domain.rounds.scores import standings_of, streak

__all__ = ["Leaderboard", "MyScore", "RoundStatus", "standings_of", "streak"]
