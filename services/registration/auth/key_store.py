"""What the register's database says of keys: API keys, and the key that personal data are sealed under."""

from __future__ import annotations

from typing import Any

import asyncpg

from registration.auth.api_keys import FindKey, Role, StoredKey
from registration.store.participants import QUERIES


class WrongSecretError(Exception):
    """REGISTRATION_SECRET_KEY is not the one that the register was filled under.

    With another key every known NIK would look new. Set the old one; it cannot be changed in place.
    """


def finding(pool: asyncpg.Pool[Any]) -> FindKey:
    """Finds API keys that were not revoked."""

    async def find(key_id: str) -> StoredKey | None:
        row = await QUERIES.find_key(pool, id=key_id)
        return None if row is None else StoredKey(Role[row["role"].upper()], row["hash"])

    return find


async def check_secret(pool: asyncpg.Pool[Any], key_id: str) -> None:
    """Raises WrongSecretError where the register was filled under another key."""
    sealed_under = await QUERIES.sealed_under(pool)
    if sealed_under not in (None, key_id):
        raise WrongSecretError(
            f"the register is sealed under key {sealed_under}, REGISTRATION_SECRET_KEY is {key_id}"
        )


async def answers(pool: asyncpg.Pool[Any]) -> bool:
    """Whether the database answers."""
    return bool(await QUERIES.alive(pool))
