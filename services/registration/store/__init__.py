"""The register's tables in PostgreSQL: queries, rows, and the meaning of database errors."""
