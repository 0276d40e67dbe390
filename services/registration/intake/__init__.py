"""Intake: queues operations and writes them in batches, one transaction each."""
