"""Writes an import to the register chunk by chunk: rows, events and the last row's number in one transaction.

Locks are taken in the order of all writers, the row of the import's file before them: nobody else takes that.
Crash points: `import.before_commit`, `import.after_commit`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec

from registration.domain.decide import Reason, Refused, decide
from registration.domain.event import EventDraft
from registration.domain.participant import Participant
from registration.imports.chunk import PackedChunk, only_event
from registration.imports.row_validation import CHANNEL, RejectedCell, RowFault, ValidatedChunk
from registration.store import participants
from registration.store.errors import RowVanishedError
from registration.store.participants import QUERIES, Connection
from telemetry.failpoints import failpoint

PAGE_ROWS: Final = 1_000


class ImportState(StrEnum):
    """Where an import is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"


class ImportStatus(msgspec.Struct, frozen=True):
    """How far an import is; `rows` is known at its end, `fault` where its file cannot be used."""

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
    """The import is no longer ours to go on with: another process has it, or somebody undoes it."""


async def begin(connection: Connection, import_id: str, name: str, caller: str | None) -> bool:
    """Note an import that was never seen; whether it was not."""
    new = await QUERIES.import_begin(connection, id=import_id, file_name=name, caller=caller)
    return new is not None


async def status(connection: Connection, import_id: str) -> ImportStatus | None:
    """How far an import is; None where it was never begun."""
    row = await QUERIES.import_status(connection, id=import_id)
    return None if row is None else msgspec.convert(dict(row), ImportStatus)


async def write_chunk(
    connection: Connection, import_id: str, packed: PackedChunk, after_row: int, new_id: Callable[[], UUID]
) -> None:
    """Write the chunk that follows row `after_row`; one written before (its commit's answer lost) is left.

    Raises ImportInterruptedError, or the driver's error: then it may be called again.
    """
    async with connection.transaction():
        locked = await QUERIES.import_lock(connection, id=import_id)
        if locked is None or locked["state"] != ImportState.RUNNING:
            raise ImportInterruptedError("the import is being undone" if locked else "the import is unknown")
        if locked["last_row"] == packed.last_row:
            return
        if locked["last_row"] != after_row:
            raise ImportInterruptedError("another process is importing the same file")
        # Noted as if everybody were new: the partitions are locked last of all.
        await _note(connection, import_id, packed.last_row, packed.count, packed.rejected)
        row = await participants.write_rows(
            connection, participants=packed.participants, events=packed.events
        )
        if row["appended"] < packed.count:
            await _write_overlapping(connection, import_id, packed.unpacked(), row["inserted"], new_id)
        failpoint("import.before_commit")
    failpoint("import.after_commit")


async def _write_overlapping(
    connection: Connection,
    import_id: str,
    checked: ValidatedChunk,
    inserted: int,
    new_id: Callable[[], UUID],
) -> None:
    """The rest of a chunk with NIKs that were known: who withdrew registers again, other rows are refused.

    The chunk was noted as if all of it were accepted.
    """
    happened = {one.nik_hmac: only_event(decide(one.command, None)) for one in checked.placed}
    known = await participants.lock(connection, (), happened)
    if inserted + len(known) < len(happened):
        raise RowVanishedError("a participant whose NIK was refused as known")
    by_nik = {each.person.nik_hmac: each for each in known}
    again, refused = [], []
    for one in checked.placed:
        if (registered := by_nik.get(one.nik_hmac)) is None:
            continue
        decision = decide(one.command, registered)
        if isinstance(decision, Refused):
            refused.append(RejectedCell(one.row, "nik", _reason(decision, registered, import_id)))
            del happened[one.nik_hmac]
        else:
            happened[one.nik_hmac] = only_event(decision)
            again.append(happened[one.nik_hmac].after)
    await _register_again(connection, import_id, again)
    await _note(connection, import_id, checked.last_row, -len(refused), refused)
    if happened:
        drafts = [EventDraft(new_id(), event, CHANNEL) for event in happened.values()]
        await participants.append(connection, drafts)


def _reason(refused: Refused, registered: Participant, import_id: str) -> str:
    own = registered.person.import_id == import_id and refused.reason is Reason.DUPLICATE
    return RowFault.DUPLICATE if own else refused.reason


async def _register_again(connection: Connection, import_id: str, again: Sequence[Participant]) -> None:
    if again:
        await participants.update(connection, again)
        await QUERIES.import_note_again(
            connection,
            id=import_id,
            participant_ids=[participant.id for participant in again],
            revisions=[participant.revision for participant in again],
        )


async def _note(
    connection: Connection, import_id: str, last_row: int, accepted: int, rejected: Sequence[RejectedCell]
) -> None:
    """Note how far the file is, and the rows rejected on the way."""
    if rejected:
        await QUERIES.import_reject(
            connection,
            id=import_id,
            rejected_rows=[one.row for one in rejected],
            fields=[one.field for one in rejected],
            reasons=[str(one.reason) for one in rejected],
        )
    await QUERIES.import_advance(
        connection,
        id=import_id,
        last_row=last_row,
        accepted=accepted,
        rejected=len({one.row for one in rejected}),
    )


async def end(connection: Connection, import_id: str, state: ImportState, fault: str | None = None) -> None:
    """The file is through, or cannot be used."""
    await QUERIES.import_end(connection, id=import_id, state=state.value, fault=fault)


async def rejections(pool: asyncpg.Pool[Any], import_id: str) -> AsyncIterator[tuple[int, str, str]]:
    """Row, column and reason of everything rejected, in order; no connection is held between two pages."""
    row, field = 0, ""
    while True:
        found = QUERIES.import_rejections(
            pool, id=import_id, after_row=row, after_field=field, rows_max=PAGE_ROWS
        )
        page = [each async for each in found]
        for each in page:
            row, field = each["row"], each["field"]
            yield row, field, each["reason"]
        if len(page) < PAGE_ROWS:
            return
