"""Measurements on this machine, each beside its rivals in the same run: see README.md in this folder."""
