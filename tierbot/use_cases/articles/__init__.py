"""Takes articles in from feeds and files, and embeds each once."""
