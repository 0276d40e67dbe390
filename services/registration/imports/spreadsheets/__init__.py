"""Converts spreadsheets to delimited text, in a process of its own."""
