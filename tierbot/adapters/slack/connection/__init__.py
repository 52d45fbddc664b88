"""How events arrive: Socket Mode or signed HTTP requests."""
