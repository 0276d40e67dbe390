"""The composition root of each process: settings, adapters, run."""
