"""Adapters: all of the bot's input and output. They exchange domain types and never import one another."""
