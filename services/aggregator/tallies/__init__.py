"""Counting fetches into PostgreSQL, and the quarantine."""
