"""The app in a workspace: manifest, OAuth, tokens."""
