"""Measures the structure of a checkout, so that the versions before and after a change can be compared."""
