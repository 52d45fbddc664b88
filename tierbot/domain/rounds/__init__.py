"""The game: rounds, scores and standings, computed from votes and verdicts by pure functions."""
