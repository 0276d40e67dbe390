"""Receives imports, previews and undos requested through the API, and runs imports and undos one by one.

The queue is in the register, with the files, so any process continues what another has begun or left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import asyncpg

from database.replication import await_standby, replicated_connection
from lifecycle.loops import run_forever
from lifecycle.stop_signal import StopSignal
from registration.cipher import Cipher
from registration.imports import store, undo
from registration.imports.anonymous_file import anonymous_file
from registration.imports.cell_encryption import CellEncryption
from registration.imports.file_inspection import inspect_file
from registration.imports.former_spool import delete_partial_files, former_uploads
from registration.imports.import_lease import ImportLease
from registration.imports.importer import Importer
from registration.imports.preview import Preview, preview_file
from registration.imports.rejection_report import rejection_report
from registration.imports.row_comparison import RowComparison
from registration.imports.row_validation import CountsAs
from registration.imports.spreadsheets.conversion_process import FileText, text_of_file
from registration.imports.store import ImportInterruptedError, ImportPlan, ImportState, ImportStatus
from registration.imports.stored_file import StoredFiles
from registration.imports.undo import KeptParticipant
from registration.imports.upload import UploadLimits, receive
from registration.imports.validation_process import ValidationProcess
from registration.regions import Regions
from registration.store.register_rows import QUERIES
from telemetry.logs import get

log = get()

POLL_EVERY_S: Final = 0.5


class ImportQueue:
    """Receives, reports on, undoes and runs imports."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        limits: UploadLimits,
        cipher: Cipher,
        open_process: Callable[[], ValidationProcess],
        rows_max: int,
        regions: Regions,
    ) -> None:
        self._pool = pool
        self._regions = regions
        self._limits = limits
        self._cipher = cipher
        self._files = StoredFiles(cipher)
        self._comparison = RowComparison(cipher)
        self._cells = CellEncryption(cipher)
        self._open_process = open_process
        self._rows_max = rows_max
        self._one_conversion = asyncio.Lock()
        self._one_storing = asyncio.Lock()
        self._one_preview = asyncio.Lock()
        self._has_adopted = False

    async def receive(
        self,
        body: AsyncIterator[bytes],
        name: str,
        caller: str,
        ignored: Sequence[str] = (),
        counts_as: CountsAs = CountsAs.STOCK,
    ) -> ImportStatus:
        """Store a file, begin its import, and return the import's status.

        If the same file was sent before and no row of it was rejected, its import stays as it is. Raises
        UploadTooLargeError, or UnusableFileError if the file's header is invalid. Columns with the headings
        in `ignored` are not imported.
        """
        async with (
            receive(body, self._limits, self._cipher) as upload,
            self._text_of(upload.path) as text,
        ):
            inspection = await asyncio.to_thread(inspect_file, text.path, ignored)
            plan = ImportPlan(inspection.hold, ignored, text.notes, counts_as)
            # One file at a time is stored, so that large files leave connections to the other requests.
            async with (
                self._one_storing,
                replicated_connection(self._pool) as connection,
                connection.transaction(),
            ):
                await store.begin(connection, upload.import_id, name, caller, plan)
                await self._files.store_if_missing(connection, upload.import_id, text.path)
        status = await self.status(upload.import_id)
        assert status is not None, "the import was begun above"
        return status

    async def preview(self, body: AsyncIterator[bytes], ignored: Sequence[str]) -> Preview:
        """Say what an import of a file would do. Previews are made one at a time.

        Raises UploadTooLargeError, or UnusableFileError if the file's header is invalid.
        """
        async with receive(body, self._limits, self._cipher) as upload, self._text_of(upload.path) as text:
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
                text = await stack.enter_async_context(text_of_file(path, self._limits.folder))
            yield text

    def _importer(self, process: ValidationProcess) -> Importer:
        return Importer(
            self._pool, process, self._comparison.differing_columns, self._cells.seal, self._rows_max
        )

    async def confirm(self, import_id: str, caller: str) -> bool:
        """Let a held import run. Return False if the import is not held."""
        async with replicated_connection(self._pool) as connection:
            confirmed = await store.confirm(connection, import_id, caller)
            if not confirmed:
                # It may be a repeat whose first attempt is committed, but not on the standby.
                await await_standby(connection)
        return confirmed

    async def status(self, import_id: str) -> ImportStatus | None:
        """Return the status of an import; None if there is no import with this id."""
        async with self._pool.acquire() as connection:
            return await store.status(connection, import_id)

    async def undo(self, import_id: str) -> bool:
        """Begin to undo an import. Return False if the import does not exist or is already undone."""
        async with replicated_connection(self._pool) as connection:
            return await undo.begin_undo(connection, import_id)

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
        """Run imports and undos until `stopping` is set."""
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
        if not self._has_adopted:
            await self._adopt_former_uploads()
        claimed = await QUERIES.import_claim(self._pool)
        if claimed is None:
            return
        lease = ImportLease(self._pool, claimed["id"])
        if await lease.renew() is not None:
            await lease.hold(partial(self._run, claimed["id"]), stopping)

    async def _run(self, import_id: str, ending: StopSignal) -> None:
        status = await self.status(import_id)
        if status is None or status.state not in (ImportState.RUNNING, ImportState.UNDOING):
            return
        log.info("import started", state=status.state.value, row=status.last_row)
        process = self._open_process()
        importer = self._importer(process)
        try:
            if status.state is ImportState.RUNNING:
                status = await self._import_stored_file(importer, import_id, ending)
            else:
                status = await importer.undo(import_id, ending)
        except ImportInterruptedError as reason:
            log.info("import interrupted", reason=str(reason))
            return
        finally:
            await asyncio.to_thread(process.close)
        event = "import stopped" if status.state is ImportState.RUNNING else "import ended"
        log.info(event, state=status.state.value, accepted=status.accepted, rejected=status.rejected)

    async def _import_stored_file(
        self, importer: Importer, import_id: str, ending: StopSignal
    ) -> ImportStatus:
        with anonymous_file(self._limits.folder) as path:
            if not await self._files.copy_to(path, self._pool, import_id):
                raise ImportInterruptedError("another process has ended the import")
            return await importer.run(import_id, path, ending)

    async def _adopt_former_uploads(self) -> None:
        """Store the uploads that a former version left in the folder, and delete them there."""
        for import_id, path in former_uploads(self._limits.folder):
            async with replicated_connection(self._pool) as connection, connection.transaction():
                await self._files.store_if_missing(connection, import_id, path)
            path.unlink(missing_ok=True)
            log.info("upload of a former version adopted")
        delete_partial_files(self._limits.folder)
        self._has_adopted = True
