"""Reactions, from the wire into the ledger."""
