"""The control API: by it tests, the demo's colleagues and the page act as users and look at everything."""

from tierbot.sandbox.control.routes import ControlWeb

__all__ = ["ControlWeb"]
