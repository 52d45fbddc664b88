"""From reactions to verdicts."""
