"""A workspace's state, and the JSON in which Slack shows it."""
