"""The operator commands of `python -m aggregator`."""
