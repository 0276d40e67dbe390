"""Fixtures of the store's tests: connections with the register's role."""

from tests.integration.registration.relay.conftest import pool

__all__ = ["pool"]
