"""Compares this version with another commit on one path, pair by pair: `make bench-against`."""
