"""Imports of participants from CSV files."""
