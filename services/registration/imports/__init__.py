"""Imports of participants from CSV files: reading, validating, writing and undoing, chunk by chunk."""
