"""Reads and writes the register's tables in PostgreSQL, and classifies database errors."""
