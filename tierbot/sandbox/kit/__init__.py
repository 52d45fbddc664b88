"""What everything in the sandbox stands on: records, errors, the clock."""
