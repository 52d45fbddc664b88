"""The demo: TIER end to end on this machine, with the sandbox, the real bot and simulated colleagues."""
