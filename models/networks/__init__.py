"""Network architectures of the lab."""
