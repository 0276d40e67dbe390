"""One module per process: settings, then adapters, then run."""
