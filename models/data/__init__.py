"""Data sets as the lab sees them."""
