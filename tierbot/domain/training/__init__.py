"""Trains the model: rows from verdicts, the fit, and the judge that decides on promotion."""
