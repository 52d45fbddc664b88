"""Rounds: opened, closed, reported."""
