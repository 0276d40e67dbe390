"""Reads files of participants, validates and writes their rows chunk by chunk, and undoes imports."""
