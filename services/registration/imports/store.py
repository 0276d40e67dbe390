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
from registration.domain.decision import Event, Reason, Refused, decide
from registration.domain.participant import Participant
from registration.imports.chunk_encoding import PackedChunk, only_event
from registration.imports.row_validation import CHANNEL, RejectedCell, RowFault
from registration.store import register_rows
from registration.store.error_classification import ConcurrentWriteError
from registration.store.register_rows import QUERIES, Connection
from telemetry.failpoints import failpoint

PAGE_ROWS: Final = 1_000


class ImportState(StrEnum):
    """The state of an import."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"


class ImportStatus(msgspec.Struct, frozen=True):
    """The progress of an import.

    `rows` is None until the import ends. `fault` is None unless the import's file is unusable.
    """

    id: str
    name: str
    state: ImportState
    fault: str | None
    rows: int | None
    last_row: int
    accepted: int
    rejected: int
    undone: int
    caller: str | None
    started_at: datetime
    changed_at: datetime
    finished_at: datetime | None


class ImportInterruptedError(Exception):
    """This process must not continue the import, because another process runs it or it is being undone."""


async def begin(connection: Connection, import_id: str, name: str, caller: str | None) -> bool:
    """Insert an import in the state RUNNING. Return False if the import exists already."""
    new = await QUERIES.import_begin(connection, id=import_id, file_name=name, caller=caller)
    return new is not None


async def status(connection: Connection, import_id: str) -> ImportStatus | None:
    """Return the status of an import; None if it was never begun."""
    row = await QUERIES.import_status(connection, id=import_id)
    return None if row is None else msgspec.convert(dict(row), ImportStatus)


async def write_chunk(
    connection: Connection, import_id: str, packed: PackedChunk, after_row: int, new_id: Callable[[], UUID]
) -> None:
    """Write the chunk that follows row `after_row`. Do nothing if the chunk is already written.

    It is already written if this call is a retry after the response to the COMMIT was lost. The chunk is
    first written as if the register had none of its people, because that is true for nearly every chunk. If
    the register has some of them, the chunk is written in a second transaction, which reads them first.

    Errors of the driver are raised unchanged. Raises ConcurrentWriteError if another transaction registered
    one of the people after they were read. The call may be repeated after both. Raises ImportInterruptedError
    if this process must not continue the import.
    """

    async def write_new() -> None:
        await _record_progress(connection, import_id, packed.last_row, packed.count, packed.rejected)
        await register_rows.write_rows(connection, participants=packed.participants, events=packed.events)

    async def write_overlapping() -> None:
        await _write_overlapping(connection, import_id, packed, new_id)

    try:
        await _write_next(connection, import_id, packed.last_row, after_row, write_new)
    except ConcurrentWriteError:
        await _write_next(connection, import_id, packed.last_row, after_row, write_overlapping)


async def _write_next(
    connection: Connection,
    import_id: str,
    last_row: int,
    after_row: int,
    write: Callable[[], Awaitable[None]],
) -> None:
    """Run `write` in a transaction that holds the import's lock, unless rows up to `last_row` are written."""
    async with connection.transaction():
        locked = await QUERIES.import_lock(connection, id=import_id)
        if locked is None or locked["state"] != ImportState.RUNNING:
            raise ImportInterruptedError("the import is being undone" if locked else "the import is unknown")
        if locked["last_row"] == last_row:
            return
        if locked["last_row"] != after_row:
            raise ImportInterruptedError("another process is importing the same file")
        await write()
        failpoint("import.before_commit")
    failpoint("import.after_commit")


async def _write_overlapping(
    connection: Connection, import_id: str, packed: PackedChunk, new_id: Callable[[], UUID]
) -> None:
    """Write a chunk with people whom the register has.

    If such a participant is withdrawn, the row registers the participant again; otherwise the row is
    rejected.
    """
    validated = packed.unpacked()
    known = await register_rows.lock(connection, nik_hmacs=str(packed.participants["nik_hmac"]))
    by_nik = {participant.person.nik_hmac: participant for participant in known}
    events: list[Event] = []
    rejected = [*validated.rejected]
    for row in validated.accepted:
        existing = by_nik.get(row.nik_hmac)
        decision = decide(row.command, existing)
        if isinstance(decision, Refused):
            assert existing is not None, "a new participant is not refused"
            rejected.append(RejectedCell(row.row, "nik", _reason(decision, existing, import_id)))
        else:
            events.append(only_event(decision))
    await _update_reregistered(
        connection, import_id, [event.after for event in events if event.before is not None]
    )
    await _record_progress(connection, import_id, validated.last_row, len(events), rejected)
    drafts = [EventDraft(new_id(), event, CHANNEL) for event in events]
    await register_rows.write_rows(
        connection,
        participants=register_rows.participant_rows(event.after for event in events if event.before is None),
        events=register_rows.event_rows(drafts),
    )


def _reason(refused: Refused, existing: Participant, import_id: str) -> str:
    same_file = existing.person.import_id == import_id and refused.reason is Reason.DUPLICATE
    return RowFault.DUPLICATE if same_file else refused.reason


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


async def _record_progress(
    connection: Connection, import_id: str, last_row: int, accepted: int, rejected: Sequence[RejectedCell]
) -> None:
    """Store a chunk's last row and rejected cells, and add its counts to those of the import."""
    if rejected:
        await QUERIES.import_reject(
            connection,
            id=import_id,
            rejected_rows=[cell.row for cell in rejected],
            fields=[cell.field for cell in rejected],
            reasons=[str(cell.reason) for cell in rejected],
        )
    await QUERIES.import_advance(
        connection,
        id=import_id,
        last_row=last_row,
        accepted=accepted,
        rejected=len({cell.row for cell in rejected}),
    )


async def end(connection: Connection, import_id: str, state: ImportState, fault: str | None = None) -> None:
    """End an import. `state` is DONE after the last row; FAILED if `fault` makes the file unusable."""
    await QUERIES.import_end(connection, id=import_id, state=state.value, fault=fault)


async def rejections(pool: asyncpg.Pool[Any], import_id: str) -> AsyncIterator[tuple[int, str, str]]:
    """Iterate over the rejected cells as (row, column, reason), in the order of rows and columns.

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
