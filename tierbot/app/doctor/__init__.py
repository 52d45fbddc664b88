"""Gather and check the facts for `tierbot doctor`."""
