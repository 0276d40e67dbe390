"""PostgreSQL access: connection pools with safe time-outs, named queries from `.sql` files, migrations."""
