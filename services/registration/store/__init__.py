"""The register's tables in PostgreSQL."""
