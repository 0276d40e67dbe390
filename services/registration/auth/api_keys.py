"""API keys: creation, format, hash, the lookup in the register, and the caller that a key identifies.

The text of a key is `jak_<id>_<secret>`. The secret has 256 random bits and cannot be guessed, so storing
its unsalted SHA-256 is safe.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg
import msgspec

from registration.auth.callers import Caller, Role
from registration.store.register_rows import QUERIES

KEY: Final = re.compile(r"jak_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
KEYS_CACHED_MAX: Final = 1_000


class StoredKey(msgspec.Struct, frozen=True):
    """The role of an API key and the SHA-256 of its secret, as stored in the register."""

    role: Role
    hash: bytes


FindKey = Callable[[str], Awaitable[StoredKey | None]]
"""Finds an API key by its id. Returns None if the key is unknown or revoked."""


def key_finder(pool: asyncpg.Pool[Any]) -> FindKey:
    """Return a function that finds an API key by its id and returns None if it is unknown or revoked."""

    async def find(key_id: str) -> StoredKey | None:
        row = await QUERIES.find_key(pool, id=key_id)
        return None if row is None else StoredKey(Role[row["role"].upper()], row["hash"])

    return find


def new_key() -> tuple[str, str, bytes]:
    """Create an API key. Returns its id, its text and the hash to store. The text is shown only once."""
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    return key_id, f"jak_{key_id}_{secret}", _hash(secret)


class ApiKeys:
    """Identifies callers by their API keys.

    A lookup is cached for `cached_s` seconds, so a revoked key may be accepted for that time.
    """

    def __init__(self, find: FindKey, clock: Callable[[], float], cached_s: float = 10.0) -> None:
        self._find = find
        self._clock = clock
        self._cached_s = cached_s
        self._cached: OrderedDict[str, tuple[float, StoredKey | None]] = OrderedDict()
        self._queries: dict[str, asyncio.Future[StoredKey | None]] = {}

    async def identify(self, key: str) -> Caller | None:
        """Return the holder of this API key; None if the key is malformed, unknown or revoked."""
        match = KEY.fullmatch(key)
        if match is None:
            return None
        key_id, secret = match.groups()
        stored = await self._lookup(key_id)
        expected = stored.hash if stored is not None else bytes(32)
        if not hmac.compare_digest(_hash(secret), expected) or stored is None:
            return None
        return Caller(f"key:{key_id}", stored.role)

    async def _lookup(self, key_id: str) -> StoredKey | None:
        now = self._clock()
        cached = self._cached.get(key_id)
        if cached is not None and now - cached[0] < self._cached_s:
            return cached[1]
        query = self._queries.get(key_id)
        if query is None:
            # Concurrent requests with the same key share one query.
            query = self._queries[key_id] = asyncio.ensure_future(self._query(key_id, now))
        return await asyncio.shield(query)

    async def _query(self, key_id: str, now: float) -> StoredKey | None:
        try:
            stored = await self._find(key_id)
        finally:
            del self._queries[key_id]
        self._cached[key_id] = (now, stored)
        self._cached.move_to_end(key_id)
        while len(self._cached) > KEYS_CACHED_MAX:
            self._cached.popitem(last=False)
        return stored


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
