"""A team that never tires: simulated trainers, the archive they judge, and the demo's colleagues."""

from tierbot.simulate.teams import demo_team, load_trainers, perfect_team
from tierbot.simulate.trainers import Act, Kind, SimulatedTrainer, View, decide

__all__ = ["Act", "Kind", "SimulatedTrainer", "View", "decide", "demo_team", "load_trainers", "perfect_team"]
