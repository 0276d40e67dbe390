"""The tallies: counting of fetched batches, their store, and the resolution of quarantined events."""
