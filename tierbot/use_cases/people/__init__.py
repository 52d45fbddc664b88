"""Personal data, and doubts about trainers."""
