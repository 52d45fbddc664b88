"""Plain crowd data, (item, worker, label), and what settles it."""
