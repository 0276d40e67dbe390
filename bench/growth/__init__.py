"""Measures cost and memory as the work grows: `make bench-growth`."""
