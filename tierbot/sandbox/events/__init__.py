"""Events and interactions that are sent to the app."""
