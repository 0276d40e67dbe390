"""Opens PostgreSQL pools with safe time-outs, loads named queries from `.sql` files, and runs migrations."""
