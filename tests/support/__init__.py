"""What tests stand on: a real broker, a real database, real processes, and waiting for named conditions."""
