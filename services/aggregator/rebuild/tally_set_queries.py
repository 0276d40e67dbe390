"""Loads the SQL queries that begin a rebuild, copy the quarantine, and lock and swap sets of tallies."""

from typing import Final

from database.sql_files import load_queries

QUERIES: Final = load_queries("aggregator.rebuild")
