"""What can happen, one file each. Only these open transactions."""
