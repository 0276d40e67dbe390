"""Simulates a Fest night over HTTP with synthetic people, and verifies the results.

The simulator imports no service.
"""
