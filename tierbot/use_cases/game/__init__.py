"""The game: standings, App Home, nudges, what admins ask for, and how a workspace joins."""
