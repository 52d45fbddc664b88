"""Slash commands: their grammar, their listeners, their answers."""
