"""Imports and undos that the API was asked for, run one after another beside it, also after a restart."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import asyncpg

from lifecycle.loops import run_forever
from lifecycle.shutdown import StopSignal
from registration.cipher import Cipher
from registration.imports import store, undo
from registration.imports.importer import Importer
from registration.imports.spool import UploadSpool
from registration.imports.store import ImportInterruptedError, ImportState, ImportStatus
from registration.imports.undo import KeptParticipant
from registration.imports.validation_process import ValidationProcess
from registration.store.participants import QUERIES
from telemetry.logs import get

log = get()

LOOK_EVERY_S: Final = 0.5
# Longer than any chunk may stand: whoever has an import moves its row at least once in this time.
IDLE_S: Final = 75.0


class ImportQueue:
    """What the API knows of imports. Each process runs those whose files wait in its own spool."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        spool: UploadSpool,
        cipher: Cipher,
        workshop: Callable[[], ValidationProcess],
        rows_max: int,
    ) -> None:
        self._pool = pool
        self._spool = spool
        self._cipher = cipher
        self._workshop = workshop
        self._rows_max = rows_max
        self._fresh: deque[str] = deque()

    async def receive(self, body: AsyncIterator[bytes], name: str, caller: str) -> ImportStatus:
        """Take a file in; a file that was taken before changes nothing. Raises TooLarge or Unusable."""
        import_id = await self._spool.receive(body, self._cipher)
        async with self._pool.acquire() as connection:
            new = await store.begin(connection, import_id, name, caller)
        status = await self.status(import_id)
        assert status is not None, "it was noted a moment ago"
        if new:
            self._fresh.append(import_id)
        elif status.state is not ImportState.RUNNING:
            self._spool.drop(import_id)
        return status

    async def status(self, import_id: str) -> ImportStatus | None:
        """Where an import is; None where there is none of this id."""
        async with self._pool.acquire() as connection:
            return await store.status(connection, import_id)

    async def undo(self, import_id: str) -> bool:
        """Begin to take an import back; False where there is nothing to take back."""
        async with self._pool.acquire() as connection:
            begun = await undo.begin_undo(connection, import_id)
        if begun and import_id not in self._fresh:
            self._fresh.append(import_id)
        return begun

    async def kept(self, import_id: str, count_max: int) -> tuple[int, list[KeptParticipant]]:
        """How many an undo leaves, and the first of them."""
        async with self._pool.acquire() as connection:
            count = await undo.kept_count(connection, import_id)
            listed = []
            async for one in undo.kept(connection, import_id):
                listed.append(one)
                if len(listed) >= count_max:
                    break
        return count, listed

    def rejections(self, import_id: str) -> AsyncIterator[tuple[int, str, str]]:
        """Row, column and reason of everything rejected, in order."""
        return store.rejections(self._pool, import_id)

    async def run(self, stopping: StopSignal) -> None:
        """Run what was asked for until the stop."""
        self._spool.open()
        self._fresh.extend(self._spool.ids())
        # Intake never closes because an import fails: it is tried again and again, and seen in its status.
        await run_forever(
            lambda: self.run_once(stopping),
            stopping,
            name="imports",
            pause_s=LOOK_EVERY_S,
            failing_s_max=float("inf"),
        )

    async def run_once(self, stopping: StopSignal) -> None:
        """Run one import or undo that waits, if any does."""
        import_id = self._fresh.popleft() if self._fresh else await self._claim()
        if import_id is None:
            return
        status = await self.status(import_id)
        if status is None or status.state not in (ImportState.RUNNING, ImportState.UNDOING):
            self._spool.drop(import_id)
            return
        log.info("import begins", state=status.state.value, row=status.last_row)
        workshop = self._workshop()
        importer = Importer(self._pool, workshop, self._rows_max)
        try:
            if status.state is ImportState.RUNNING:
                status = await importer.run(import_id, self._spool.path(import_id), stopping)
            else:
                status = await importer.undo(import_id, stopping)
        except ImportInterruptedError as reason:
            log.info("import left", reason=str(reason))
            return
        finally:
            await asyncio.to_thread(workshop.close)
        if status.state is not ImportState.RUNNING:
            self._spool.drop(import_id)
        log.info("import ends", state=status.state.value, accepted=status.accepted, rejected=status.rejected)

    async def _claim(self) -> str | None:
        """Something under way that nobody has moved for long: left behind by a process that ended."""
        row = await QUERIES.import_claim(self._pool, ids=self._spool.ids(), idle_s=IDLE_S)
        return None if row is None else str(row["id"])
