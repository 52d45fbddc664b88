"""Which articles are asked about, of whom and when."""
