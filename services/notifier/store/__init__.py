"""The notifier's tables in PostgreSQL and their queries."""
