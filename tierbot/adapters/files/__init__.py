"""Files in and out: archives, annotations, crowd data, model files."""
