"""Connections of the register's role."""

from tests.integration.registration.relay.conftest import pool

__all__ = ["pool"]
