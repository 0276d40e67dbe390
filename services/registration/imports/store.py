"""Stores the status of imports and the rows of their chunks.

One transaction writes a chunk's participants and events, and the progress of the import. It first locks the
import's row in `import_file`, which only imports use. Then it takes its other locks in the order that all
writers share. Failpoints: `import.before_commit`, `import.after_commit`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from registration.domain.cloud_event import EventDraft
from registration.domain.commands import RegisterCommand
from registration.domain.decision import Event, Reason, Refused, decide
from registration.domain.participant import Participant
from registration.imports.chunk_encoding import PackedChunk, only_event
from registration.imports.csv_reader import Header
from registration.imports.row_validation import CHANNEL, RejectedCell, RowFault
from registration.store import register_rows
from registration.store.error_classification import ConcurrentWriteError
from registration.store.register_rows import QUERIES, Connection
from telemetry.failpoints import failpoint

PAGE_ROWS: Final = 1_000

DifferingColumns = Callable[[RegisterCommand, Participant], Sequence[str]]
"""Returns the columns in which a row differs from the participant that the register has."""


class ImportState(StrEnum):
    """The state of an import."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"


class ImportStatus(msgspec.Struct, frozen=True):
    """The progress of an import.

    `rows` is None until the import ends. `fault` is None unless the import's file is unusable. Each line up
    to `last_row` is counted once: in `heading_lines`, `blank`, `accepted`, `unchanged`, `differing` or
    `rejected`. `runs` is how often the file was imported; the counts are those of the last run.
    """

    id: str
    name: str
    state: ImportState
    fault: str | None
    rows: int | None
    last_row: int
    heading_lines: int
    blank: int
    accepted: int
    unchanged: int
    differing: int
    rejected: int
    runs: int
    undone: int
    caller: str | None
    started_at: datetime
    changed_at: datetime
    finished_at: datetime | None


class ImportInterruptedError(Exception):
    """This process must not continue the import, because another process runs it or it is being undone."""


class Progress(msgspec.Struct, frozen=True):
    """What a chunk adds to an import: how many rows were accepted and which were not, and why.

    `rejected` has a cell for each column at fault, and `differing` one for each column with another value
    than the register's.
    """

    last_row: int
    blank: int
    accepted: int
    unchanged: int = 0
    differing: Sequence[RejectedCell] = ()
    rejected: Sequence[RejectedCell] = ()


async def begin(connection: Connection, import_id: str, name: str, caller: str | None) -> bool:
    """Insert an import in the state RUNNING, or start an ended one again if it rejected rows or failed.

    Return False if the import exists already and is not started again.
    """
    new = await QUERIES.import_begin(connection, id=import_id, file_name=name, caller=caller)
    if new is None:
        new = await QUERIES.import_repeat(connection, id=import_id)
    return new is not None


async def read_header(connection: Connection, import_id: str, header: Header) -> None:
    """Store how many lines the heading of the file has, unless the import has gone beyond them."""
    await QUERIES.import_read_header(
        connection, id=import_id, line=header.line, blank_lines=header.blank_lines
    )


async def status(connection: Connection, import_id: str) -> ImportStatus | None:
    """Return the status of an import; None if it was never begun."""
    row = await QUERIES.import_status(connection, id=import_id)
    return None if row is None else msgspec.convert(dict(row), ImportStatus)


async def write_chunk(
    connection: Connection,
    import_id: str,
    packed: PackedChunk,
    after_row: int,
    new_id: Callable[[], UUID],
    differing_columns: DifferingColumns,
) -> None:
    """Write the chunk that follows row `after_row`. Do nothing if the chunk is already written.

    It is already written if this call is a retry after the response to the COMMIT was lost. The chunk is
    first written as if the register had none of its people, because that is true for nearly every chunk. If
    the register has some of them, the chunk is written in a second transaction, which reads them first and
    compares them with their rows by `differing_columns`.

    Errors of the driver are raised unchanged. Raises ConcurrentWriteError if another transaction registered
    one of the people after they were read. The call may be repeated after both. Raises ImportInterruptedError
    if this process must not continue the import.
    """

    async def write_new(_is_repeat: bool) -> None:
        progress = Progress(packed.last_row, packed.blank, packed.count, rejected=packed.rejected)
        await _record_progress(connection, import_id, progress)
        await register_rows.write_rows(connection, participants=packed.participants, events=packed.events)

    async def write_overlapping(is_repeat: bool) -> None:
        await _write_overlapping(connection, import_id, packed, new_id, differing_columns, is_repeat)

    try:
        await _write_next(connection, import_id, packed.last_row, after_row, write_new)
    except ConcurrentWriteError:
        await _write_next(connection, import_id, packed.last_row, after_row, write_overlapping)


async def _write_next(
    connection: Connection,
    import_id: str,
    last_row: int,
    after_row: int,
    write: Callable[[bool], Awaitable[None]],
) -> None:
    """Run `write` in a transaction that holds the import's lock, unless rows up to `last_row` are written.

    The argument of `write` is whether the file is imported again.
    """
    async with connection.transaction():
        locked = await QUERIES.import_lock(connection, id=import_id)
        if locked is None or locked["state"] != ImportState.RUNNING:
            raise ImportInterruptedError("the import is being undone" if locked else "the import is unknown")
        if locked["last_row"] == last_row:
            return
        if locked["last_row"] != after_row:
            raise ImportInterruptedError("another process is importing the same file")
        await write(locked["runs"] > 1)
        failpoint("import.before_commit")
    failpoint("import.after_commit")


async def _write_overlapping(
    connection: Connection,
    import_id: str,
    packed: PackedChunk,
    new_id: Callable[[], UUID],
    differing_columns: DifferingColumns,
    is_repeat: bool,
) -> None:
    """Write a chunk with people whom the register has.

    If such a participant is withdrawn, the row registers the participant again. If the participant is
    registered, the row changes nothing: it is counted as unchanged, or as differing from the register.
    """
    validated = packed.unpacked()
    known = await register_rows.lock(connection, nik_hmacs=str(packed.participants["nik_hmac"]))
    by_nik = {participant.person.nik_hmac: participant for participant in known}
    events: list[Event] = []
    rejected = [*validated.rejected]
    differing: list[RejectedCell] = []
    unchanged = 0
    for row in validated.accepted:
        existing = by_nik.get(row.nik_hmac)
        decision = decide(row.command, existing)
        if not isinstance(decision, Refused):
            events.append(only_event(decision))
            continue
        assert existing is not None, "a new participant is not refused"
        if decision.reason is not Reason.DUPLICATE:
            rejected.append(RejectedCell(row.row, "nik", decision.reason))
        elif existing.person.import_id == import_id and not is_repeat:
            rejected.append(RejectedCell(row.row, "nik", RowFault.DUPLICATE))
        elif columns := differing_columns(row.command, existing):
            differing += [RejectedCell(row.row, column, RowFault.DIFFERS) for column in columns]
        else:
            unchanged += 1
    await register_rows.keep_former(connection, events)
    await _update_reregistered(
        connection, import_id, [event.after for event in events if event.before is not None]
    )
    progress = Progress(validated.last_row, validated.blank, len(events), unchanged, differing, rejected)
    await _record_progress(connection, import_id, progress)
    drafts = [EventDraft(new_id(), event, CHANNEL) for event in events]
    await register_rows.write_rows(
        connection,
        participants=register_rows.participant_rows(event.after for event in events if event.before is None),
        events=register_rows.event_rows(drafts),
    )


async def _update_reregistered(
    connection: Connection, import_id: str, reregistered: Sequence[Participant]
) -> None:
    if reregistered:
        await register_rows.update(connection, reregistered)
        await QUERIES.import_insert_reregistered(
            connection,
            id=import_id,
            participant_ids=[participant.id for participant in reregistered],
            revisions=[participant.revision for participant in reregistered],
        )


async def _record_progress(connection: Connection, import_id: str, progress: Progress) -> None:
    """Store a chunk's last row and its cells at fault, and add its counts to those of the import."""
    cells = [*progress.rejected, *progress.differing]
    if cells:
        await QUERIES.import_reject(
            connection,
            id=import_id,
            rejected_rows=[cell.row for cell in cells],
            fields=[cell.field for cell in cells],
            reasons=[str(cell.reason) for cell in cells],
        )
    await QUERIES.import_advance(
        connection,
        id=import_id,
        last_row=progress.last_row,
        blank=progress.blank,
        accepted=progress.accepted,
        unchanged=progress.unchanged,
        differing=_rows(progress.differing),
        rejected=_rows(progress.rejected),
    )


def _rows(cells: Sequence[RejectedCell]) -> int:
    return len({cell.row for cell in cells})


async def end(connection: Connection, import_id: str, state: ImportState, fault: str | None = None) -> None:
    """End an import. `state` is DONE after the last row; FAILED if `fault` makes the file unusable."""
    await QUERIES.import_end(connection, id=import_id, state=state.value, fault=fault)


async def rejections(pool: asyncpg.Pool[Any], import_id: str) -> AsyncIterator[tuple[int, str, str]]:
    """Iterate over the rejected and differing cells as (row, column, reason), by rows and columns.

    The cells are read in several queries, and no connection is held between two queries.
    """
    row, field = 0, ""
    while True:
        found = QUERIES.import_rejections(
            pool, id=import_id, after_row=row, after_field=field, rows_max=PAGE_ROWS
        )
        page = [rejection async for rejection in found]
        for rejection in page:
            row, field = rejection["row"], rejection["field"]
            yield row, field, rejection["reason"]
        if len(page) < PAGE_ROWS:
            return
