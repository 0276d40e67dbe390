"""Codes of venues, by which the people in a hall get a rate limit of their own.

A code is on a poster, so it is no secret, but nobody can guess it. It is valid for at most a day.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg
import msgspec

from database.replication import replicated_connection
from registration.store.register_rows import QUERIES

# Without letters and digits that look alike, because people may copy a code by hand. 12 of them are 60 bits.
ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
CODE_LENGTH: Final = 12
CODES_MAX: Final = 1_000


class VenueCode(msgspec.Struct, frozen=True):
    """A code, the name of its venue, and when it is valid."""

    code: str
    venue: str
    valid_from: datetime
    valid_until: datetime

    @property
    def path(self) -> str:
        """The path of the form's address that contains the code."""
        return f"/daftar/lokasi/{self.code}"


async def create_venue_code(
    pool: asyncpg.Pool[Any], venue: str, valid_from: datetime, valid_h: int, created_by: str
) -> VenueCode:
    """Store a new code and return it."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    created = VenueCode(code, venue, valid_from, valid_from + timedelta(hours=valid_h))
    async with replicated_connection(pool) as connection:
        await QUERIES.insert_venue_code(connection, **msgspec.structs.asdict(created), created_by=created_by)
    return created


async def revoke_venue_code(pool: asyncpg.Pool[Any], code: str) -> bool:
    """Revoke a code. Return False if it is unknown or was revoked before."""
    async with replicated_connection(pool) as connection:
        return bool(await QUERIES.revoke_venue_code(connection, code=code))


async def usable_venue_codes(pool: asyncpg.Pool[Any]) -> list[VenueCode]:
    """Return the codes that are valid now or later, sorted by the begin of their validity."""
    rows = QUERIES.usable_venue_codes(pool, codes_max=CODES_MAX)
    return [VenueCode(**row) async for row in rows]


class VenueCodes:
    """The codes as last read, so that checking a code costs no query."""

    def __init__(self, pool: asyncpg.Pool[Any], now: Callable[[], datetime]) -> None:
        self._pool = pool
        self._now = now
        self._usable: Mapping[str, VenueCode] = {}

    async def refresh(self) -> None:
        """Read the codes again."""
        self._usable = {code.code: code for code in await usable_venue_codes(self._pool)}

    def valid(self, code: str) -> VenueCode | None:
        """Return a code that is valid now; None if it is unknown, revoked, ended or not yet valid."""
        found = self._usable.get(code)
        return found if found is not None and found.valid_from <= self._now() < found.valid_until else None
