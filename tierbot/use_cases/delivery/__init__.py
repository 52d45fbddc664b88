"""The outbox: what is sent to Slack, once each."""
