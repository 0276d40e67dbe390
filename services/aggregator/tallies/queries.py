"""Loads the SQL queries that count batches and resolve quarantined events."""

from typing import Final

from database.sql_files import load_queries

QUERIES: Final = load_queries("aggregator.tallies")
