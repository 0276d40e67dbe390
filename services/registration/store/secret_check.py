"""Checks that the configured secret key is the key that encrypts the register's personal data."""

from __future__ import annotations

from typing import Any

import asyncpg

from registration.store.register_rows import QUERIES


class WrongSecretError(Exception):
    """REGISTRATION_SECRET_KEY is not the key that encrypts the register's personal data.

    With another key, every known NIK would look new. Set the key that the register was created with. The key
    of an existing register cannot be changed.
    """


async def check_secret(pool: asyncpg.Pool[Any], key_id: str) -> None:
    """Compare `key_id` with the key id of the stored participants. Raises WrongSecretError if they differ."""
    sealed_under = await QUERIES.sealed_under(pool)
    if sealed_under not in (None, key_id):
        raise WrongSecretError(
            f"the register is sealed under key {sealed_under}, REGISTRATION_SECRET_KEY is {key_id}"
        )
