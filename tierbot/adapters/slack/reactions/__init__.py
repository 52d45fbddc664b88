"""Reactions, from Slack's events into the ledger."""
