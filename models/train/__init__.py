"""Training of the shipped packs."""
