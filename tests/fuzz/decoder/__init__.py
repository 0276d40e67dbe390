"""Feeds the compiled decoder arbitrary bytes, and compares it with the one in pure Python."""
