"""Runs the contenders of a path and measures what their processes use."""
