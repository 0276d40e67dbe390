"""The rules of leadership: whether this process holds a lease, and in which term.

At most one process holds a lease. By the database's clock, the row expires `seconds` after the database
wrote it. The holder measures the same time by its own monotonic clock, starting *before* it sent the
statement. So the holder stops leading no later than the database allows another holder, and a process that
was suspended detects this before its next write. The term rises whenever the holder changes, and every
write of a leader carries its term: late writes of a former leader are refused or ignored.
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
"""Time-out of one renewal: the next renewal must still fit in before the lease expires."""


class LeaseTable(Protocol):
    """The table of leases.

    Each call is one atomic statement by the table's own clock and raises the driver's errors.
    """

    async def acquire(self, name: str, holder: str, seconds: float) -> int | None:
        """Acquire or renew a lease and return its term; None if another holder has it.

        A lease can be acquired if it is free or has expired; the holder can always renew its own."""

    async def raise_term(self, name: str, holder: str, term: int, above: int) -> int | None:
        """Set the term of a held lease to `above` + 1 and return it; None if the lease is no longer held."""

    async def release(self, name: str, holder: str, term: int) -> None:
        """Let the lease expire now if `holder` holds it in this term."""


class Leadership:
    """One lease from the view of one process.

    Call `renew` every RENEW_EVERY_S: it acquires the lease if it is free or expired, and renews it if this
    process holds it. `term` is the term held, or None from the moment at which the lease may have expired.
    """

    def __init__(
        self,
        rows: LeaseTable,
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
        """The term in which this process leads; None if it does not lead or cannot be sure."""
        return self._term if self._clock() < self._until else None

    async def renew(self) -> int | None:
        """Acquire or renew the lease; return the term, or None if another process holds the lease.

        Raises the driver's error or TimeoutError if the database does not answer: the lease then expires by
        itself.
        """
        asked_s = self._clock()
        async with asyncio.timeout(min(CALL_S_MAX, self._seconds)):
            term = await self._rows.acquire(self.name, self.holder, self._seconds)
        self._record(term, asked_s + self._seconds)
        return self.term

    async def raise_term(self, above: int) -> int | None:
        """Raise the term above one that is already in use; return the new term, or None if the lease is lost.

        After a restore of the database its terms are lower than those in the topics. Readers compare
        records by term, so they would ignore every new record until the term had caught up.
        """
        if (term := self.term) is None or term > above:
            return term
        async with asyncio.timeout(CALL_S_MAX):
            raised = await self._rows.raise_term(self.name, self.holder, term, above)
        self._record(raised, self._until)
        return self.term

    async def release(self) -> None:
        """Release the lease, so that another process can lead at once.

        Call it after the last write at a graceful stop.
        """
        term = self._term
        self._record(None, float("-inf"))
        if term is not None:
            async with asyncio.timeout(CALL_S_MAX):
                await self._rows.release(self.name, self.holder, term)

    def _record(self, term: int | None, until_s: float) -> None:
        if term != self._term:
            log.info("lease changed", lease=self.name, term=term, was=self._term)
        self._term = term
        self._until = until_s if term is not None else float("-inf")
        LEASE_HELD.labels(self.name).set(term is not None)
        LEASE_TERM.labels(self.name).set(term or 0)
