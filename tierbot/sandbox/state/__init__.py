"""What a workspace holds, and how Slack shows it."""
