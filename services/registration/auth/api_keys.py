"""API keys: how they look, how they are kept, and who a request's key belongs to.

A key is `jak_<id>_<secret>`; the secret has 256 random bits, so its plain SHA-256 is safe to keep.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Final

import msgspec

KEY: Final = re.compile(r"jak_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
KEYS_CACHED_MAX: Final = 1_000


class Role(IntEnum):
    """What a key may do; each may all that those before it may."""

    BOOTH = 1
    OFFICER = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As it is stored and shown."""
        return self.name.lower()


class Caller(msgspec.Struct, frozen=True):
    """Who asks: a key's holder, or anybody from the public (role None)."""

    id: str
    role: Role | None

    @property
    def channel(self) -> str:
        """The way in, as events name it."""
        return self.role.word if self.role is not None else "web"


PUBLIC: Final = Caller("public", None)


class StoredKey(msgspec.Struct, frozen=True):
    """A key as the register keeps it."""

    role: Role
    hash: bytes


FindKey = Callable[[str], Awaitable[StoredKey | None]]
"""The key of an id that was not revoked."""


def new_key() -> tuple[str, str, bytes]:
    """A fresh key: its id, the text to hand over once, and the hash to keep."""
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    return key_id, f"jak_{key_id}_{secret}", _hash(secret)


class ApiKeys:
    """Recognises keys; what the store said is believed for `cached_s`: so long a revoked key may live."""

    def __init__(self, find: FindKey, clock: Callable[[], float], cached_s: float = 10.0) -> None:
        self._find = find
        self._clock = clock
        self._cached_s = cached_s
        self._cached: OrderedDict[str, tuple[float, StoredKey | None]] = OrderedDict()
        self._asking: dict[str, asyncio.Future[StoredKey | None]] = {}

    async def caller(self, text: str) -> Caller | None:
        """Whose key this is, or None where it is nobody's."""
        match = KEY.fullmatch(text)
        if match is None:
            return None
        key_id, secret = match.groups()
        stored = await self._stored(key_id)
        expected = stored.hash if stored is not None else bytes(32)
        if not hmac.compare_digest(_hash(secret), expected) or stored is None:
            return None
        return Caller(f"key:{key_id}", stored.role)

    async def _stored(self, key_id: str) -> StoredKey | None:
        now = self._clock()
        cached = self._cached.get(key_id)
        if cached is not None and now - cached[0] < self._cached_s:
            return cached[1]
        asking = self._asking.get(key_id)
        if asking is None:
            # All that come with this key while the store is asked share the one question.
            asking = self._asking[key_id] = asyncio.ensure_future(self._ask(key_id, now))
        return await asyncio.shield(asking)

    async def _ask(self, key_id: str, now: float) -> StoredKey | None:
        try:
            stored = await self._find(key_id)
        finally:
            del self._asking[key_id]
        self._cached[key_id] = (now, stored)
        self._cached.move_to_end(key_id)
        while len(self._cached) > KEYS_CACHED_MAX:
            self._cached.popitem(last=False)
        return stored


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
