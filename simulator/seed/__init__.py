"""Synthetic participants: generating them, and importing them into the register before a load run."""
