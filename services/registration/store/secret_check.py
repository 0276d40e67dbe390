"""Checks that the configured secret key is the one that the register's personal data are sealed under."""

from __future__ import annotations

from typing import Any

import asyncpg

from registration.store.register_rows import QUERIES


class WrongSecretError(Exception):
    """REGISTRATION_SECRET_KEY is not the key that the register's personal data are sealed under.

    With another key every known NIK would look new. Set the old key; it cannot be changed in place.
    """


async def check_secret(pool: asyncpg.Pool[Any], key_id: str) -> None:
    """Compare the key id of the stored participants with `key_id`. Raises WrongSecretError if they differ."""
    sealed_under = await QUERIES.sealed_under(pool)
    if sealed_under not in (None, key_id):
        raise WrongSecretError(
            f"the register is sealed under key {sealed_under}, REGISTRATION_SECRET_KEY is {key_id}"
        )
