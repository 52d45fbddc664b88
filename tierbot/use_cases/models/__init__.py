"""Model versions: training, judging, promotion, explanations."""
