"""Generates synthetic participants, and imports them into the register before a load run."""
