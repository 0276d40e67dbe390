"""The audit process over a real broker and database: the fixtures of the relay's tests."""

from tests.integration.registration.relay.conftest import pool, register, start

__all__ = ["pool", "register", "start"]
