"""Clients of the running services, over HTTP."""
