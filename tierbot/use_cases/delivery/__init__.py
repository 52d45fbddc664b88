"""The outbox: everything that is sent to Slack, once each."""
