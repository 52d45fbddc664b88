"""External predictors (ports.Predictors): found by entry point, trained in a child process."""

from tierbot.adapters.processes.predictors.installed import GROUP, InstalledPredictors

__all__ = ["GROUP", "InstalledPredictors"]
