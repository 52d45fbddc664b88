"""Incoming payloads: by Socket Mode or signed HTTP requests."""
