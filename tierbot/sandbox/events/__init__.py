"""What is sent to the app: events, and what it must answer."""
