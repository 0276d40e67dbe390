"""The commands of `python -m aggregator`."""
