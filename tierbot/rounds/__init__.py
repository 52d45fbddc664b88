"""Rounds, scores and standings: the game, as pure functions over votes and verdicts."""

from tierbot.rounds.scores import standings_of, streak
from tierbot.rounds.views import Leaderboard, MyScore, RoundStatus

__all__ = ["Leaderboard", "MyScore", "RoundStatus", "standings_of", "streak"]
