"""SQL of the floor of messaging."""
