"""Work in child processes: training, drawing, external predictors."""
