"""The scheduler, its jobs, and the background worker."""
