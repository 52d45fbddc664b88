"""Rounds: opening, closing, reporting."""
