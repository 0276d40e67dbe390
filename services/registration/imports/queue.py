"""Queues the imports and undos requested through the API, and runs them one by one. A restart loses none."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import asyncpg

from database.replication import replicated_connection
from lifecycle.loops import run_forever
from lifecycle.stop_signal import StopSignal
from registration.cipher import Cipher
from registration.imports import store, undo
from registration.imports.cell_encryption import CellEncryption
from registration.imports.file_inspection import inspect_file
from registration.imports.importer import Importer
from registration.imports.preview import Preview, preview_file
from registration.imports.rejection_report import rejection_report
from registration.imports.row_comparison import RowComparison
from registration.imports.row_validation import CountsAs
from registration.imports.spool import UploadSpool
from registration.imports.spreadsheets.conversion_process import FileText, text_of_file
from registration.imports.store import ImportInterruptedError, ImportPlan, ImportState, ImportStatus
from registration.imports.undo import KeptParticipant
from registration.imports.validation_process import ValidationProcess
from registration.regions import Regions
from registration.store.register_rows import QUERIES
from telemetry.logs import get

log = get()

POLL_EVERY_S: Final = 0.5
# While a process runs an import, it updates the import's row in the database at shorter intervals, even if it
# has to retry a chunk. So if a row is not updated for this long, the process has probably died.
ABANDONED_AFTER_S: Final = 75.0
WAITING: Final = (ImportState.RUNNING, ImportState.HELD)
"""The states in which an import needs its file."""


class ImportQueue:
    """Receives, reports on, undoes and runs imports. Each process imports only the files in its own spool."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        spool: UploadSpool,
        cipher: Cipher,
        open_process: Callable[[], ValidationProcess],
        rows_max: int,
        regions: Regions,
    ) -> None:
        self._pool = pool
        self._regions = regions
        self._spool = spool
        self._cipher = cipher
        self._comparison = RowComparison(cipher)
        self._cells = CellEncryption(cipher)
        self._open_process = open_process
        self._rows_max = rows_max
        self._requested: deque[str] = deque()
        self._one_conversion = asyncio.Lock()
        self._one_preview = asyncio.Lock()

    async def receive(
        self,
        body: AsyncIterator[bytes],
        name: str,
        caller: str,
        ignored: Sequence[str] = (),
        counts_as: CountsAs = CountsAs.STOCK,
    ) -> ImportStatus:
        """Store a file, enqueue its import unless it is held, and return the import's status.

        If the same file was sent before and no row of it was rejected, its import stays as it is. Raises
        UploadTooLargeError, or UnusableFileError if the file's header is invalid. Columns with the headings
        in `ignored` are not imported.
        """
        async with self._spool.receive(body, self._cipher) as upload, self._text_of(upload.path) as text:
            inspection = await asyncio.to_thread(inspect_file, text.path, ignored)
            await self._spool.keep(upload.import_id, text.path)
        import_id = upload.import_id
        plan = ImportPlan(inspection.hold, ignored, text.notes, counts_as)
        async with replicated_connection(self._pool) as connection:
            new = await store.begin(connection, import_id, name, caller, plan)
        status = await self.status(import_id)
        assert status is not None, "the import was begun above"
        if new and status.state is ImportState.RUNNING:
            self._requested.append(import_id)
        elif status.state not in WAITING:
            self._spool.delete(import_id)
        return status

    async def preview(self, body: AsyncIterator[bytes], ignored: Sequence[str]) -> Preview:
        """Say what an import of a file would do. Previews are made one at a time.

        Raises UploadTooLargeError, or UnusableFileError if the file's header is invalid.
        """
        async with self._spool.receive(body, self._cipher) as upload, self._text_of(upload.path) as text:
            inspection = await asyncio.to_thread(inspect_file, text.path, ignored)
            async with self._one_preview:
                process = self._open_process()
                try:
                    return await preview_file(self._importer(process), text, inspection, StopSignal())
                finally:
                    await asyncio.to_thread(process.close)

    @asynccontextmanager
    async def _text_of(self, path: Path) -> AsyncIterator[FileText]:
        """Convert a file to text, one file at a time, because a spreadsheet needs much memory."""
        async with AsyncExitStack() as stack:
            async with self._one_conversion:
                text = await stack.enter_async_context(text_of_file(path, self._spool.folder))
            yield text

    def _importer(self, process: ValidationProcess) -> Importer:
        return Importer(
            self._pool, process, self._comparison.differing_columns, self._cells.seal, self._rows_max
        )

    async def confirm(self, import_id: str, caller: str) -> bool:
        """Let a held import run. Return False if the import is not held.

        If its file is in the spool of another process, that process claims the import.
        """
        async with replicated_connection(self._pool) as connection:
            confirmed = await store.confirm(connection, import_id, caller)
        if confirmed and import_id in self._spool.ids():
            self._requested.append(import_id)
        return confirmed

    async def status(self, import_id: str) -> ImportStatus | None:
        """Return the status of an import; None if there is no import with this id."""
        async with self._pool.acquire() as connection:
            return await store.status(connection, import_id)

    async def undo(self, import_id: str) -> bool:
        """Begin to undo an import. Return False if the import does not exist or is already undone."""
        async with replicated_connection(self._pool) as connection:
            begun = await undo.begin_undo(connection, import_id)
        if begun and import_id not in self._requested:
            self._requested.append(import_id)
        return begun

    async def kept_participants(self, import_id: str, count_max: int) -> tuple[int, list[KeptParticipant]]:
        """Return how many participants an undo of the import keeps, and the first `count_max` by id."""
        async with self._pool.acquire() as connection:
            count = await undo.kept_count(connection, import_id)
            listed = []
            async for participant in undo.kept_participants(connection, import_id):
                listed.append(participant)
                if len(listed) >= count_max:
                    break
        return count, listed

    async def rejection_report(self, import_id: str, *, has_cells: bool) -> AsyncIterator[str]:
        """Yield the lines of the report of rejected rows, with the cells of the file if `has_cells`."""
        open_cells = partial(self._cells.open, import_id) if has_cells else None
        form = await store.report_format(self._pool, import_id)
        rows = store.rejected_rows(self._pool, import_id)
        async for line in rejection_report(rows, form, open_cells, self._regions):
            yield line

    async def run(self, stopping: StopSignal) -> None:
        """Run requested imports and undos until `stopping` is set."""
        self._spool.open()
        self._requested.extend(self._spool.ids())
        # A failing import is retried without limit, because its failure must not end this process, which also
        # answers requests to register participants.
        await run_forever(
            lambda: self.run_once(stopping),
            stopping,
            name="imports",
            pause_s=POLL_EVERY_S,
            failing_s_max=float("inf"),
        )

    async def run_once(self, stopping: StopSignal) -> None:
        """Run the next import or undo; do nothing if none is waiting."""
        import_id = self._requested.popleft() if self._requested else await self._claim()
        if import_id is None:
            return
        status = await self.status(import_id)
        if status is None or status.state not in (*WAITING, ImportState.UNDOING):
            self._spool.delete(import_id)
        if status is None or status.state not in (ImportState.RUNNING, ImportState.UNDOING):
            return
        log.info("import started", state=status.state.value, row=status.last_row)
        process = self._open_process()
        importer = self._importer(process)
        try:
            if status.state is ImportState.RUNNING:
                status = await importer.run(import_id, self._spool.path(import_id), stopping)
            else:
                status = await importer.undo(import_id, stopping)
        except ImportInterruptedError as reason:
            log.info("import interrupted", reason=str(reason))
            return
        finally:
            await asyncio.to_thread(process.close)
        if status.state is not ImportState.RUNNING:
            self._spool.delete(import_id)
        log.info("import ended", state=status.state.value, accepted=status.accepted, rejected=status.rejected)

    async def _claim(self) -> str | None:
        """Claim an unfinished import or undo whose process has probably died, and return the import's id.

        Returns None if there is none.
        """
        row = await QUERIES.import_claim(self._pool, ids=self._spool.ids(), idle_s=ABANDONED_AFTER_S)
        return None if row is None else str(row["id"])
