"""From verdicts to a model: rows and weights, the fit, and the judge who decides on promotion."""
