"""The SQL queries of a rebuild: begin, copy the quarantine, lock and swap sets."""

from typing import Final

from database.sql_files import load_queries

QUERIES: Final = load_queries("aggregator.rebuild")
