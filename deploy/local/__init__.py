"""The local stack runs Kafka, PostgreSQL and all services on one machine, supervised and on loopback only."""
