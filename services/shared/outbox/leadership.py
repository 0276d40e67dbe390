"""The rules of leadership: whether this process holds a lease, and in which term.

At most one process holds a lease. By the database's clock, the row expires `seconds` after the database wrote
it. The holder measures the same time by its own monotonic clock, starting *before* it sends the statement.
Therefore the holder stops leading before the database lets another process acquire the lease. A process that
was suspended detects before its next write that the lease has expired. The term rises whenever the holder
changes. Statements that move a stored position require the leader's term, and most records carry it, so that
the database rejects and readers ignore the late writes of a former leader.
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
"""Time-out of one renewal; it is short enough for another renewal before the lease expires."""


class LeaseTable(Protocol):
    """The table of leases.

    Each call is one atomic statement, which uses the clock of the database. It raises the driver's errors.
    """

    async def acquire(self, name: str, holder: str, seconds: float) -> int | None:
        """Acquire or renew a lease and return its term; None if another holder has the lease.

        Any process can acquire a lease that is free or has expired. The holder can always renew its lease."""

    async def raise_term(self, name: str, holder: str, term: int, above: int) -> int | None:
        """Set a lease's term to `above` + 1 and return it; None if `holder` no longer holds the lease."""

    async def release(self, name: str, holder: str, term: int) -> None:
        """Make the lease expire at once if `holder` holds it in this term."""


class Leadership:
    """One lease from the view of one process.

    Call `renew` every RENEW_EVERY_S. It acquires the lease if the lease is free or expired, and renews it if
    this process holds it. `term` is the term in which this process leads. `term` becomes None as soon as the
    lease may have expired.
    """

    def __init__(
        self,
        rows: LeaseTable,
        name: str,
        holder: str,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name: Final = name
        self.holder = holder
        self._rows = rows
        self._seconds = seconds
        self._clock = clock
        self._term: int | None = None
        self._until = float("-inf")

    @property
    def term(self) -> int | None:
        """The term in which this process leads; None if it does not lead or the lease may have expired."""
        return self._term if self._clock() < self._until else None

    @property
    def led_last(self) -> bool:
        """Whether this process led when it last reached the database, even if its lease has expired since."""
        return self._term is not None

    async def renew(self) -> int | None:
        """Acquire or renew the lease; return the term, or None if another process holds the lease.

        Raises the driver's error or TimeoutError if the database does not answer. The lease then expires
        without further action.
        """
        asked_s = self._clock()
        async with asyncio.timeout(min(CALL_S_MAX, self._seconds)):
            term = await self._rows.acquire(self.name, self.holder, self._seconds)
        self._record(term, asked_s + self._seconds)
        return self.term

    async def raise_term(self, above: int) -> int | None:
        """Raise the term above `above`, a term that a topic contains; return the new term.

        Return None if this process has lost the lease. After a restore, the terms in the database are lower
        than the terms in the topics. Readers compare records by term, so without this call they would ignore
        every new record until the term had caught up.
        """
        if (term := self.term) is None or term > above:
            return term
        async with asyncio.timeout(CALL_S_MAX):
            raised = await self._rows.raise_term(self.name, self.holder, term, above)
        self._record(raised, self._until)
        return self.term

    async def release(self) -> None:
        """Release the lease, so that another process can lead at once.

        Call it at a graceful stop, after the last write.
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
        self._report(term)

    def _report(self, term: int | None) -> None:
        """Show in the metrics in which term this process leads."""
        LEASE_HELD.labels(self.name).set(term is not None)
        LEASE_TERM.labels(self.name).set(term or 0)
