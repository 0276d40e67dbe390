"""Measurements on this machine, each beside a rival in the same run."""
