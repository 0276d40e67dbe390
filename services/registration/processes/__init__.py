"""The composition roots, one module per process: it loads settings, builds adapters and runs the process."""
