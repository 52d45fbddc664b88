"""Simulates trainers, for backtests, the Gymnasium environment and the demo."""

from tierbot.simulate.teams import demo_team, load_trainers, perfect_team
from tierbot.simulate.trainers import Act, Kind, SimulatedTrainer, View, decide

__all__ = ["Act", "Kind", "SimulatedTrainer", "View", "decide", "demo_team", "load_trainers", "perfect_team"]
