"""What `tierbot doctor` gathers and checks."""
