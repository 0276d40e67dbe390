"""Benchmarks: each path through the system is measured in the same run as its rivals. See README.md."""
