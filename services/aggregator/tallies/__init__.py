"""Counts fetched batches into tallies, stores the tallies, and resolves quarantined events."""
