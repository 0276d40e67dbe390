"""Simulates a Fest night over HTTP with synthetic people, and verifies the results. It imports no service."""
