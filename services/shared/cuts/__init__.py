"""Reads cuts and register states from Kafka, and computes how fresh a cut is."""
