"""Turns reactions into verdicts: ledger → votes → verdict and reward. Pure functions."""

from tierbot.domain.feedback.verdict import Aggregator, PlainRule
from tierbot.domain.feedback.votes import votes_of

__all__ = ["Aggregator", "PlainRule", "votes_of"]
