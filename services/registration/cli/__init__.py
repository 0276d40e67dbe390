"""The commands of `python -m registration`."""
