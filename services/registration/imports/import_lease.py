"""Lets one process at a time run an import or its undo: the one that holds the lease of the import.

If the process dies, its lease expires within seconds, and another process continues. Exactness does not
depend on the lease: a chunk is written only if it follows the last row that is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

import asyncpg

from lifecycle.stop_signal import StopSignal
from lifecycle.task_group import run_group
from outbox.postgres_leases import RENEW_EVERY_S, SECONDS, Lease, new_holder
from registration.store.error_classification import DATABASE_ERRORS
from telemetry.logs import get

log = get()

ACQUIRE_S_MAX: Final = SECONDS + 2.0
"""Longer than the lease of a process that was killed."""
ASK_EVERY_S: Final = 0.2


class ImportLease(Lease):
    """The lease of one import."""

    def __init__(self, pool: asyncpg.Pool[Any], import_id: str) -> None:
        # The name is that of the statement `import_claim`.
        super().__init__(pool, f"import {import_id}", new_holder())

    def _report(self, term: int | None) -> None:
        """Report nothing: a metric has no ids, and nobody is missing if no process holds this lease."""

    async def acquire(self, stopping: StopSignal) -> bool:
        """Acquire the lease. Return False if another process holds it for longer than it takes to expire."""
        deadline = time.monotonic() + ACQUIRE_S_MAX
        while await self.renew() is None:
            if time.monotonic() > deadline or await stopping.wait(ASK_EVERY_S):
                return False
        return True

    async def hold(
        self, work: Callable[[StopSignal], Coroutine[Any, Any, None]], stopping: StopSignal
    ) -> None:
        """Run `work` while this process holds the lease, which it has acquired. Then release the lease.

        The signal that `work` gets is set at the stop, and if the lease is lost. Then `work` must end by
        itself.
        """
        ending = StopSignal()
        try:
            await run_group(ending, self._renew_until_lost(), stopping.wait(), drain=work(ending))
        finally:
            with contextlib.suppress(*DATABASE_ERRORS):  # without the database, the lease expires by itself
                await self.release()

    async def _renew_until_lost(self) -> None:
        while self.term is not None:
            try:
                await self.renew()
            except DATABASE_ERRORS as error:
                log.warning("import lease not renewed", error=type(error).__name__)
            await asyncio.sleep(RENEW_EVERY_S)
