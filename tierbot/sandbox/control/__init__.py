"""The control API, through which tests, the demo's colleagues and the page act as users and read any state."""
