"""Rounds, scores and standings: the game, as pure functions over votes and verdicts."""

from tierbot.domain.rounds.boards import Leaderboard, MyScore, RoundStatus
from tierbot.domain.rounds.scores import standings_of, streak

__all__ = ["Leaderboard", "MyScore", "RoundStatus", "standings_of", "streak"]
