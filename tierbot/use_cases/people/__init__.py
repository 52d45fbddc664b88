"""What people ask for, and what is kept of them."""
