"""The messages that tierbot sends."""
