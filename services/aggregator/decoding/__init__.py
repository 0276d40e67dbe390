"""Decoding of fetched Kafka records into events, in pure Python or compiled."""
