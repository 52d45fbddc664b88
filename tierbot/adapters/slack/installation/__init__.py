"""Installing the app: OAuth, installations, encrypted tokens."""
