"""What the rest of the sandbox builds on: records, errors, settings, the clock."""
