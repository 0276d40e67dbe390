"""Checks register, counts and alerts after a run against the ledger, and measures latency to the stream."""
