"""Deliver events and interactions to the app by WebSocket or HTTP, with injected faults."""
