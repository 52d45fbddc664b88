"""Reports about tierbot: the sandbox's panel, charts, the report page, status, metrics and exports."""
