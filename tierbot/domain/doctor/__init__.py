"""Checks a setup: the adapters gather facts, `judge` turns them into findings, `smoke_test` runs the bot end to end."""
