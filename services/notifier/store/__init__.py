"""The notifier's tables in PostgreSQL."""
