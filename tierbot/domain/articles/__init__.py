"""Prepares articles for posting: parse, clean, deduplicate, apply boundaries. Pure; the adapters fetch them."""
