"""What the model says of an article, which tag is shown, by which arm, and which articles are asked about."""
