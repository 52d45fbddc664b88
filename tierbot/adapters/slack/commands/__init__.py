"""Slash commands: grammar and listeners."""
