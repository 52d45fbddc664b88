"""HTTP endpoints for operators: probes, metrics and the report."""
