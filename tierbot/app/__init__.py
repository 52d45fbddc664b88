"""Assemble tierbot's parts and run them."""
