"""TIER from end to end on this machine: a workspace in a box, the real bot, simulated colleagues."""
