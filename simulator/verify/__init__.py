"""Checks the register, counts and alerts after a run, and measures the latency to the board's stream."""
