"""Verification after a run: register, counts and alerts against the ledger, and the latency from 201 to the
stream.
"""
