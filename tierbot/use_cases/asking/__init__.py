"""Which articles are asked about, when, and which trainers are asked."""
