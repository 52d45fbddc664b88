"""Settles plain crowd data: (item, worker, label) rows."""
