"""Knows when this process leads: a term, counted from before the row was asked, by this process's own
clock.

At most one process holds a lease. The row runs out `seconds` after the server wrote it, by the server's
clock; the holder counts the same time from *before* it asked, by its own monotonic clock, so it considers
itself deposed no later than the server does (a process that slept finds out before it writes). `term` rises
whenever the holder changes, and every write of a leader carries it: what a former leader still has on its
way is refused or ignored.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from outbox.metrics import LEASE_HELD, LEASE_TERM
from telemetry.logs import get

log = get()

SECONDS: Final = 3.0
RENEW_EVERY_S: Final = 1.0
CALL_S_MAX: Final = 2.0
"""Longer than this a renewal is not waited for: the next one has to come before the lease runs out."""


class LeaseRows(Protocol):
    """The table of leases, each changed in one step by its own clock. Raises what its driver raises."""

    async def take(self, name: str, holder: str, seconds: float) -> int | None:
        """Take or keep a lease that is free, run out or the holder's own; its term, None if another's."""

    async def lift(self, name: str, holder: str, term: int, above: int) -> int | None:
        """Set the term of a lease that is still held to one above `above`; the new term, None if not held."""

    async def release(self, name: str, holder: str, term: int) -> None:
        """Let a lease run out now, if it is held in this term."""


class Leadership:
    """One lease, as seen by one process.

    `renew` takes it where it is free, run out or ours, and is to be called every second. `term` is the term
    held, or None from the moment the lease may have run out.
    """

    def __init__(
        self,
        rows: LeaseRows,
        name: str,
        holder: str,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.holder = holder
        self._rows = rows
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
        asked_s = self._clock()
        async with asyncio.timeout(min(CALL_S_MAX, self._seconds)):
            term = await self._rows.take(self.name, self.holder, self._seconds)
        self._note(term, asked_s + self._seconds)
        return self.term

    async def lift(self, above: int) -> int | None:
        """Raise our term above one seen in use, as after a restored database; the term, or None if lost.

        A topic that readers compare by term would otherwise hide everything written until the term catches
        up.
        """
        if (term := self.term) is None or term > above:
            return term
        async with asyncio.timeout(CALL_S_MAX):
            lifted = await self._rows.lift(self.name, self.holder, term, above)
        self._note(lifted, self._until)
        return self.term

    async def release(self) -> None:
        """Let the next one lead at once; part of a graceful stop, after the last write."""
        term = self._term
        self._note(None, float("-inf"))
        if term is not None:
            async with asyncio.timeout(CALL_S_MAX):
                await self._rows.release(self.name, self.holder, term)

    def _note(self, term: int | None, until_s: float) -> None:
        if term != self._term:
            log.info("lease changed", lease=self.name, term=term, was=self._term)
        self._term = term
        self._until = until_s if term is not None else float("-inf")
        LEASE_HELD.labels(self.name).set(term is not None)
        LEASE_TERM.labels(self.name).set(term or 0)
