"""The anchor-aware rule: a verdict that knows how pre-filled emoji attract clicks."""
