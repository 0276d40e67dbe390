"""Cost and memory as work grows."""
