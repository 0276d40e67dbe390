"""Counts participant events exactly once and publishes consistent cuts of the counts."""
