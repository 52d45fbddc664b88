"""tierbot: a Slack channel that teaches a classifier. See README.md."""
