"""One module per measured path."""
