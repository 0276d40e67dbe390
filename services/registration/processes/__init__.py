"""The composition roots: one module per process loads settings, builds adapters and runs until the stop."""
