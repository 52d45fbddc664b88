"""The anchor-aware rule: it settles votes allowing for the clicks that pre-filled emoji attract."""
