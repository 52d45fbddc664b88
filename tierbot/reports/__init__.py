"""Reports: the panel next to the channel, charts, the report page, exports, metrics and status."""
