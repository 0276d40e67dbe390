"""Reads cuts and register states from Kafka: record formats, reader state, freshness, topic readers."""
