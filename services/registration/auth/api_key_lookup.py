"""Finds API keys in the register's database."""

from __future__ import annotations

from typing import Any

import asyncpg

from registration.auth.api_keys import FindKey, StoredKey
from registration.auth.callers import Role
from registration.store.register_rows import QUERIES


def key_finder(pool: asyncpg.Pool[Any]) -> FindKey:
    """Return a function that finds an API key by its id and returns None if it is unknown or revoked."""

    async def find(key_id: str) -> StoredKey | None:
        row = await QUERIES.find_key(pool, id=key_id)
        return None if row is None else StoredKey(Role[row["role"].upper()], row["hash"])

    return find
