"""Fixtures to run the audit process with a real broker and database, shared with the relay's tests."""

from tests.integration.registration.relay.conftest import pool, register, start

__all__ = ["pool", "register", "start"]
