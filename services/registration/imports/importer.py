"""Runs imports and undos chunk by chunk. While a chunk is written, the next chunks are validated."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, TextIO, TypeVar
from uuid import UUID

import asyncpg
import uuid_utils.compat
from prometheus_client import Counter

from database.replication import await_standby, replicated_connection
from lifecycle.backoff import Backoff
from lifecycle.stop_signal import StopSignal
from registration.cipher import Cipher
from registration.domain.participant import Participant
from registration.imports import store
from registration.imports.chunk_encoding import PackedChunk, pack
from registration.imports.csv_reader import (
    Header,
    Row,
    chunks,
    open_csv,
    read_header,
    rows,
)
from registration.imports.file_faults import UnusableFileError
from registration.imports.overlap import DifferingColumns
from registration.imports.row_validation import (
    WHOLE_ROW,
    ChunkContext,
    CountsAs,
    OpenScopes,
    RejectedCell,
    RowFault,
    ValidatedChunk,
)
from registration.imports.store import ImportState, ImportStatus, WriteRules
from registration.imports.undo import undo_chunk
from registration.store.error_classification import Failure, failure_of
from registration.store.register_rows import QUERIES, Connection
from telemetry.logs import get

log = get()

IMPORTED_ROWS: Final = Counter("registration_imported_rows", "Rows that imports have accepted or rejected.")

T = TypeVar("T")
HASH_BLOCK_BYTES: Final = 1 << 20
PACKED_CHUNKS_AHEAD: Final = 3
RETRY_DELAY_S_MIN: Final = 0.05
RETRY_DELAY_S_MAX: Final = 2.0


class Packer(Protocol):
    """Validates and packs chunks. Results become available in the order in which `pack` was called."""

    async def pack(self, rows: Sequence[Row], context: ChunkContext) -> PackedChunk:
        """Validate the rows, and pack the accepted and rejected rows as one chunk."""
        ...


SealCells = Callable[[str, Sequence[Row]], list[bytes]]
"""Encrypts the cells of rows of an import."""


class Chunk(NamedTuple):
    """The rows of a chunk as they are in the file, and what validation has made of them."""

    rows: list[Row]
    packed: PackedChunk


@dataclass(frozen=True, slots=True)
class Importer:
    """Runs imports and undos, with at most `rows_max` rows in a transaction.

    If a chunk conflicts with another transaction or the database is unavailable, the chunk is retried for
    `retry_s_max` seconds.
    """

    pool: asyncpg.Pool[Any]
    packer: Packer
    differing_columns: DifferingColumns
    seal_cells: SealCells
    rows_max: int = 1_000
    retry_s_max: float = 60.0
    new_id: Callable[[], UUID] = uuid_utils.compat.uuid7

    async def run(
        self,
        import_id: str,
        path: Path,
        stopping: StopSignal,
        on_progress: Callable[[int, int], None] = lambda rows, bytes_read: None,
    ) -> ImportStatus:
        """Continue an import until its end, or until a stop between two chunks, and return its status.

        The import must have been begun in the register. After each chunk, `on_progress` receives the number
        of the chunk's rows and the number of bytes read from the file so far. If a chunk cannot be written,
        its last error is raised. Raises ImportInterruptedError if another process has continued the import,
        or if the import is being undone.
        """
        status = await self.status(import_id)
        if status.state is not ImportState.RUNNING:
            return status
        fault = None
        with open_csv(path) as lines:
            try:
                header = read_header(lines, status.ignored)
            except UnusableFileError as error:
                fault = str(error)
            else:
                if not await self._write_all(status, lines, header, stopping, on_progress):
                    return await self.status(import_id)
        state = ImportState.DONE if fault is None else ImportState.FAILED

        async def end(connection: Connection) -> None:
            await store.end(connection, import_id, state, fault)
            # A repeat changes nothing, although the standby may lack what the first attempt committed.
            await await_standby(connection)

        await self._with_retry(end)
        return await self.status(import_id)

    async def undo(
        self, import_id: str, stopping: StopSignal, on_progress: Callable[[int], None] = lambda rows: None
    ) -> ImportStatus:
        """Continue an undo until its end or a stop, and return the import's status.

        The undo must have been begun in the register. After each chunk, `on_progress` receives the number of
        participants that the chunk withdrew.
        """
        while not stopping.is_set():
            withdrawn = await self._with_retry(
                lambda connection: undo_chunk(connection, import_id, self.rows_max, self.new_id)
            )
            if withdrawn is None:
                break
            on_progress(withdrawn)
        return await self.status(import_id)

    async def status(self, import_id: str) -> ImportStatus:
        """Return the status of an import that was begun."""
        status = await self._with_retry(lambda connection: store.status(connection, import_id))
        assert status is not None, "the import was begun"
        return status

    async def _write_all(
        self,
        status: ImportStatus,
        lines: TextIO,
        header: Header,
        stopping: StopSignal,
        on_progress: Callable[[int, int], None],
    ) -> bool:
        """Write the remaining chunks. Return False if a stop ended the writing before the last chunk."""
        await self._with_retry(lambda connection: store.read_header(connection, status.id, header))
        after_row = max(status.last_row, header.line)
        async with aclosing(
            self.packed_chunks(status.id, lines, header, after_row, stopping, status.counts_as)
        ) as packed_chunks:
            async for chunk in packed_chunks:
                rules = WriteRules(
                    self.new_id, self.differing_columns, partial(self._sealed, status.id, chunk.rows)
                )
                await self._write(status.id, chunk.packed, after_row, rules)
                after_row = chunk.packed.last_row
                IMPORTED_ROWS.inc(chunk.packed.rows)
                on_progress(chunk.packed.rows, lines.buffer.tell())
        return not stopping.is_set()

    async def packed_chunks(
        self,
        import_id: str,
        lines: TextIO,
        header: Header,
        after_row: int,
        stopping: StopSignal,
        counts_as: CountsAs = CountsAs.STOCK,
    ) -> AsyncGenerator[Chunk]:
        """Yield the chunks after row `after_row` until a stop is requested. Some are validated ahead."""
        scopes = await self._scopes()
        remaining = chunks(rows(lines, header), after_row, self.rows_max)
        ahead: deque[tuple[list[Row], asyncio.Task[PackedChunk]]] = deque()
        try:
            while not stopping.is_set():
                while len(ahead) < PACKED_CHUNKS_AHEAD and (chunk := next(remaining, None)):
                    context = ChunkContext(import_id, header, scopes, datetime.now(UTC), counts_as)
                    ahead.append((chunk, asyncio.ensure_future(self.packer.pack(chunk, context))))
                if not ahead:
                    return
                chunk, task = ahead.popleft()
                yield Chunk(chunk, await task)
        finally:
            tasks = [task for _, task in ahead]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _sealed(self, import_id: str, rows: Sequence[Row], numbers: Collection[int]) -> list[bytes]:
        """Return the encrypted cells of those rows of a chunk that have these numbers, in their order."""
        wanted = frozenset(numbers)
        return self.seal_cells(import_id, [row for row in rows if row.number in wanted])

    async def known(self, packed: PackedChunk) -> list[Participant]:
        """Return the participants whom the register has under the NIKs of a chunk, without locking them."""
        nik_hmacs = str(packed.participants["nik_hmac"])
        return await self._with_retry(lambda connection: store.known(connection, nik_hmacs))

    async def _write(self, import_id: str, packed: PackedChunk, after_row: int, rules: WriteRules) -> None:
        """Write a chunk.

        If a value cannot be stored, its row is found by halving the chunk, and only that row is rejected.
        """
        try:
            await self._with_retry(
                lambda connection: store.write_chunk(connection, import_id, packed, after_row, rules)
            )
        except Exception as error:
            if failure_of(error) is not Failure.DATA or not packed.count:
                raise
            for part in _split(packed.unpacked()):
                await self._write(import_id, pack(part, self.new_id), after_row, rules)
                after_row = part.last_row

    async def _scopes(self) -> OpenScopes:
        row = await self._with_retry(QUERIES.import_scopes)
        return OpenScopes(frozenset(row["campaigns"]), frozenset(row["agencies"]))

    async def _with_retry(self, operation: Callable[[Connection], Awaitable[T]]) -> T:
        """Run an operation with a connection. After a transient error, repeat it with growing delays."""
        deadline = time.monotonic() + self.retry_s_max
        backoff = Backoff(RETRY_DELAY_S_MIN, RETRY_DELAY_S_MAX)
        while True:
            delay_s = next(backoff)
            try:
                async with replicated_connection(self.pool) as connection:
                    return await operation(connection)
            # Any error is caught, because only `failure_of` can tell which errors are worth a repeat. The
            # others are raised again.
            except Exception as error:
                failure = failure_of(error)
                transient = failure in (Failure.REPEAT, Failure.UNAVAILABLE)
                if not transient or time.monotonic() + delay_s > deadline:
                    raise
                log.info("import retries", failure=str(failure), error=type(error).__name__)
            await asyncio.sleep(delay_s)


def _split(validated: ValidatedChunk) -> list[ValidatedChunk]:
    """Split a chunk into halves. If it has only one accepted row, return the chunk with that row rejected."""
    if len(validated.accepted) == 1:
        row = validated.accepted[0].row
        return [
            ValidatedChunk(
                validated.last_row,
                [],
                [*validated.rejected, RejectedCell(row, WHOLE_ROW, RowFault.UNSTORABLE)],
                validated.blank,
            )
        ]
    middle = len(validated.accepted) // 2
    last = validated.accepted[middle - 1].row
    return [
        ValidatedChunk(
            last, validated.accepted[:middle], [cell for cell in validated.rejected if cell.row <= last]
        ),
        ValidatedChunk(
            validated.last_row,
            validated.accepted[middle:],
            [cell for cell in validated.rejected if cell.row > last],
            validated.blank,
        ),
    ]


def import_id_of(path: Path, cipher: Cipher) -> str:
    """Return the id of a file's import: a keyed digest of the file's bytes.

    The same file therefore always has the same id, and importing it again continues its import.
    """
    digest = cipher.file_hmac()
    with path.open("rb") as file:
        while block := file.read(HASH_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
