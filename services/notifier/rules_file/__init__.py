"""The rules file: its schema, reading and checking it."""
