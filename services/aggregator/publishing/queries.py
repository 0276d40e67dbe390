"""Loads the SQL queries that read cuts and minutes, number cuts, and delete published rows."""

from typing import Final

from database.sql_files import load_queries

QUERIES: Final = load_queries("aggregator.publishing")
