"""Pages and probes over HTTP that are not Slack's."""
