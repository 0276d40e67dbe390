"""Runs an import from its last row to its end: the next chunks are checked while one is written."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol, TextIO, TypeVar
from uuid import UUID

import asyncpg
import uuid_utils.compat
from prometheus_client import Counter

from lifecycle.shutdown import StopSignal
from registration.cipher import Cipher
from registration.imports import store
from registration.imports.chunk import PackedChunk, pack
from registration.imports.csv_reader import (
    Header,
    Row,
    UnusableFileError,
    chunks,
    open_table,
    read_header,
    rows,
)
from registration.imports.row_validation import (
    WHOLE_ROW,
    RejectedCell,
    RowFault,
    Scopes,
    Source,
    ValidatedChunk,
)
from registration.imports.store import ImportState, ImportStatus
from registration.imports.undo import undo_chunk
from registration.store.errors import Failure, failure_of
from registration.store.participants import QUERIES, Connection
from telemetry.logs import get

log = get()

IMPORTED_ROWS: Final = Counter(
    "registration_imported_rows", "Rows of imports that are through, accepted or rejected."
)

T = TypeVar("T")
HASHED_BYTES: Final = 1 << 20
PACKED_AHEAD: Final = 3
RETRY_DELAY_S_MIN: Final = 0.05
RETRY_DELAY_S_MAX: Final = 2.0


class Packer(Protocol):
    """Checks and packs chunks, in the order they are handed over."""

    async def pack(self, rows: Sequence[Row], source: Source) -> PackedChunk:
        """What can be registered of a chunk, and what is wrong with the rest."""
        ...


@dataclass(frozen=True, slots=True)
class Importer:
    """Runs imports and undos, at most `rows_max` rows a transaction.

    A chunk that others are in the way of, or that finds no server, is tried again for `retry_s_max` seconds.
    """

    pool: asyncpg.Pool[Any]
    packer: Packer
    rows_max: int = 1_000
    retry_s_max: float = 60.0
    new_id: Callable[[], UUID] = uuid_utils.compat.uuid7

    async def run(
        self,
        import_id: str,
        path: Path,
        stopping: StopSignal,
        told: Callable[[int, int], None] = lambda rows, bytes_read: None,
    ) -> ImportStatus:
        """Go on with an import that was begun; where it then is. A stop is heeded between two chunks.

        `told` hears, after each chunk, how many rows it had and how many bytes of the file are read. Raises
        Interrupted where somebody else has the import, or what kept a chunk from being written for so long.
        """
        status = await self.status(import_id)
        if status.state is not ImportState.RUNNING:
            return status
        fault = None
        with open_table(path) as lines:
            try:
                header = read_header(lines)
            except UnusableFileError as error:
                fault = str(error)
            else:
                if not await self._write_all(status, lines, header, stopping, told):
                    return await self.status(import_id)
        state = ImportState.DONE if fault is None else ImportState.FAILED
        await self._tried(lambda connection: store.end(connection, import_id, state, fault))
        return await self.status(import_id)

    async def undo(
        self, import_id: str, stopping: StopSignal, told: Callable[[int], None] = lambda rows: None
    ) -> ImportStatus:
        """Go on with an undo that was begun; where it then is. `told` hears how many each chunk withdrew."""
        while not stopping.is_set():
            withdrawn = await self._tried(
                lambda connection: undo_chunk(connection, import_id, self.rows_max, self.new_id)
            )
            if withdrawn is None:
                break
            told(withdrawn)
        return await self.status(import_id)

    async def status(self, import_id: str) -> ImportStatus:
        """Where an import is, that must have been begun."""
        status = await self._tried(lambda connection: store.status(connection, import_id))
        assert status is not None, "an import is noted before it is run"
        return status

    async def _write_all(
        self,
        status: ImportStatus,
        lines: TextIO,
        header: Header,
        stopping: StopSignal,
        told: Callable[[int, int], None],
    ) -> bool:
        """Write every chunk; False where the stop came first."""
        scopes = await self._scopes()
        todo = chunks(rows(lines, header.separator), status.last_row, self.rows_max)
        ahead: deque[asyncio.Task[PackedChunk]] = deque()
        after_row = status.last_row
        try:
            while not stopping.is_set():
                while len(ahead) < PACKED_AHEAD and (chunk := next(todo, None)):
                    source = Source(status.id, header, scopes, datetime.now(UTC))
                    ahead.append(asyncio.ensure_future(self.packer.pack(chunk, source)))
                if not ahead:
                    return True
                packed = await ahead.popleft()
                await self._write(status.id, packed, after_row)
                after_row = packed.last_row
                IMPORTED_ROWS.inc(packed.rows)
                told(packed.rows, lines.buffer.tell())
            return False
        finally:
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)

    async def _write(self, import_id: str, packed: PackedChunk, after_row: int) -> None:
        """Write a chunk; where PostgreSQL refuses a datum no rule foresaw, find its row, reject it alone."""
        try:
            await self._tried(
                lambda connection: store.write_chunk(connection, import_id, packed, after_row, self.new_id)
            )
        except Exception as error:
            if failure_of(error) is not Failure.DATA or not packed.count:
                raise
            for part in _parts(packed.unpacked()):
                await self._write(import_id, pack(part, self.new_id), after_row)
                after_row = part.last_row

    async def _scopes(self) -> Scopes:
        row = await self._tried(QUERIES.import_scopes)
        return Scopes(frozenset(row["campaigns"]), frozenset(row["agencies"]))

    async def _tried(self, act: Callable[[Connection], Awaitable[T]]) -> T:
        """Act on a connection, again and again while what is in the way may pass."""
        deadline = time.monotonic() + self.retry_s_max
        delay_s = RETRY_DELAY_S_MIN
        while True:
            try:
                async with self.pool.acquire() as connection:
                    return await act(connection)
            except Exception as error:  # sorted by what it means; all but the passing ones go on up
                failure = failure_of(error)
                passing = failure in (Failure.REPEAT, Failure.UNAVAILABLE)
                if not passing or time.monotonic() + delay_s > deadline:
                    raise
                log.info("import waits", failure=str(failure), error=type(error).__name__)
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_DELAY_S_MAX)


def _parts(checked: ValidatedChunk) -> list[ValidatedChunk]:
    """A chunk in two; one with a single registration as one that has it rejected."""
    if len(checked.placed) == 1:
        row = checked.placed[0].row
        return [
            ValidatedChunk(
                checked.last_row, [], [*checked.rejected, RejectedCell(row, WHOLE_ROW, RowFault.UNSTORABLE)]
            )
        ]
    middle = len(checked.placed) // 2
    last = checked.placed[middle - 1].row
    return [
        ValidatedChunk(last, checked.placed[:middle], [one for one in checked.rejected if one.row <= last]),
        ValidatedChunk(
            checked.last_row, checked.placed[middle:], [one for one in checked.rejected if one.row > last]
        ),
    ]


def import_id_of(path: Path, cipher: Cipher) -> str:
    """The id of the import of a file: a keyed digest of its bytes, so the same file is the same import."""
    digest = cipher.file_hmac()
    with path.open("rb") as file:
        while block := file.read(HASHED_BYTES):
            digest.update(block)
    return digest.hexdigest()
