"""Predictors of other distributions (ports.Predictors): found by entry point, taught in a process of their own."""

from tierbot.adapters.processes.predictors.installed import GROUP, InstalledPredictors

__all__ = ["GROUP", "InstalledPredictors"]
