"""How events and requests reach the app: sockets, HTTP, and their faults."""
