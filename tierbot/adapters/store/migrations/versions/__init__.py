"""The schema's history, one numbered file per change; a released one is never edited."""
