"""A real broker, a real database and all services on one machine, supervised, on loopback only."""
