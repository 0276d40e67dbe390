"""The local stack: Kafka, PostgreSQL and all services on one machine, supervised, on loopback only."""
