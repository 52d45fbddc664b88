"""The report: figures of the last rounds, and one self-contained HTML page that shows them."""
