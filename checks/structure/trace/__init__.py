"""Runs the local stack of a checkout and records which modules one registration calls."""
