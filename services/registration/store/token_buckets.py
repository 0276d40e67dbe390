"""Rate limits that all api processes share: token buckets in PostgreSQL."""

from __future__ import annotations

from typing import Any, Final

import asyncpg

from registration.store.register_rows import QUERIES


class TokenBuckets:
    """Token buckets of one limit, one for each client or NIK; each holds up to `burst` tokens.

    A bucket gains `per_s` tokens per second.
    """

    def __init__(self, pool: asyncpg.Pool[Any], name: str, per_s: float, burst: int) -> None:
        self._pool: Final = pool
        self._name = name
        self._refill_s = 1 / per_s
        self._burst = burst

    async def take(self, key: bytes) -> float:
        """Take a token from the bucket of `key` and return 0.0, or the seconds until its next token.

        Raises the driver's error if the database does not answer.
        """
        wait_s: float = await QUERIES.take_token(
            self._pool, name=self._name, key=key, refill_s=self._refill_s, burst=self._burst
        )
        return wait_s

    async def give_back(self, key: bytes) -> None:
        """Return a token that `take` took from the bucket of `key`. A full bucket does not grow.

        Raises the driver's error if the database does not answer.
        """
        await QUERIES.give_back_token(self._pool, name=self._name, key=key, refill_s=self._refill_s)
