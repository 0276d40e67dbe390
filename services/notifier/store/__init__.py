"""The stores of the notifier in PostgreSQL, and their queries."""
