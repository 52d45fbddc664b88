"""Simulates trainers, for backtests, the Gymnasium environment and the demo."""
