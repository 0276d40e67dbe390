"""The surface that others rely on: recorded once, compared after each change."""
