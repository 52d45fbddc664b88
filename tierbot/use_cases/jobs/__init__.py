"""What is due gets done: the scheduler, its jobs, the background worker."""
