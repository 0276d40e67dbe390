"""The synthetic participants that are there before a night begins."""
