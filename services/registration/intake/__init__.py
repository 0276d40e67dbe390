"""Intake: queues operations and writes them in batches. Each batch is one transaction."""
