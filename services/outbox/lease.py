"""Knows who leads: a leased row with a term, taken and renewed by the server's clock.

At most one process holds a lease. The row runs out `seconds` after the server wrote it, by the server's
clock; the holder counts the same time from *before* it asked, by its own monotonic clock, so it considers
itself deposed no later than the server does (a process that slept finds out before it writes). `term` rises
whenever the holder changes, and every write of a leader carries it: what a former leader still has on its
way is refused or ignored.

No session state: a pooler, a cut connection or a restarted server does no harm.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import asyncpg

from database.queries import load_queries
from outbox.metrics import LEASE_HELD, LEASE_TERM
from telemetry.logs import get

log = get()

SECONDS: Final = 3.0
RENEW_EVERY_S: Final = 1.0
CALL_S_MAX: Final = 2.0
"""Longer than this a renewal is not waited for: the next one has to come before the lease runs out."""

_queries = load_queries("outbox")


def lease_ddl() -> str:
    """The table's definition, for the migrations of the service that leads something."""
    return Path(__file__).with_name("ddl").joinpath("lease.sql").read_text("utf-8")


def new_holder() -> str:
    """A holder's name that no other life of any process has had."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Lease:
    """One leadership, as seen by one process.

    `renew` takes it where it is free, run out or ours, and is to be called every second. `term` is the term
    held, or None from the moment the lease may have run out.
    """

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        name: str,
        holder: str,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.holder = holder
        self._pool = pool
        self._seconds = seconds
        self._clock = clock
        self._term: int | None = None
        self._until = float("-inf")

    @property
    def term(self) -> int | None:
        """The term we lead in, or None when we do not, or cannot be sure to."""
        return self._term if self._clock() < self._until else None

    async def renew(self) -> int | None:
        """Take or keep the lease; the term, or None where another holds it.

        Raises what the driver raises when the database does not answer: the lease then runs out by itself.
        """
        asked_at = self._clock()
        async with asyncio.timeout(min(CALL_S_MAX, self._seconds)):
            term = await _queries.take(self._pool, name=self.name, holder=self.holder, seconds=self._seconds)
        self._note(term, asked_at)
        return self.term

    async def lift(self, above: int) -> int | None:
        """Raise our term above one that was seen in use, as after a restored database; the term, or None if
        lost.

        A topic that readers compare by term would otherwise hide everything written until the term catches
        up.
        """
        if (term := self.term) is None or term > above:
            return term
        async with asyncio.timeout(CALL_S_MAX):
            lifted = await _queries.lift(
                self._pool, name=self.name, holder=self.holder, term=term, above=above
            )
        self._note(lifted, self._until - self._seconds)
        return self.term

    async def release(self) -> None:
        """Let the next one lead at once; part of a graceful stop, after the last write."""
        term, self._term = self._term, None
        self._note(None, 0.0)
        if term is not None:
            async with asyncio.timeout(CALL_S_MAX):
                await _queries.release(self._pool, name=self.name, holder=self.holder, term=term)

    def _note(self, term: int | None, asked_at: float) -> None:
        if term != self._term:
            log.info("lease changed", lease=self.name, term=term, was=self._term)
        self._term = term
        self._until = asked_at + self._seconds if term is not None else float("-inf")
        LEASE_HELD.labels(self.name).set(term is not None)
        LEASE_TERM.labels(self.name).set(term or 0)
