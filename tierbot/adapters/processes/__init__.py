"""Work in child processes: training, drawing, external predictors."""

SAID = 500
"""How many of the last characters of a child's standard error an error message quotes."""
