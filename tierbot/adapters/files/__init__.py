"""Files: archives, annotations, crowd data, models."""
