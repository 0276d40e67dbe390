"""The SQL queries of a rebuild: begin, copy the quarantine, lock and swap sets."""

from typing import Final

from database.queries import load_queries

QUERIES: Final = load_queries("aggregator.rebuild")
