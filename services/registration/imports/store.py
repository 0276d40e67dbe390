"""Stores the status of imports and the rows of their chunks.

One transaction writes a chunk's participants and events, and the progress of the import. It first locks the
import's row in `import_file`, which only imports use. Then it takes its other locks in the order that all
writers share. Failpoints: `import.before_commit`, `import.after_commit`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from registration.domain.cloud_event import EventDraft
from registration.domain.participant import Participant
from registration.imports.chunk_encoding import PackedChunk
from registration.imports.csv_reader import Header
from registration.imports.file_faults import HoldReason, Note
from registration.imports.overlap import DifferingColumns, compare_with_register
from registration.imports.row_validation import CHANNEL, CountsAs, RejectedCell
from registration.store import register_rows
from registration.store.error_classification import ConcurrentWriteError
from registration.store.register_rows import QUERIES, Connection
from telemetry.failpoints import failpoint

PAGE_ROWS: Final = 1_000


class ImportState(StrEnum):
    """The state of an import."""

    RUNNING = "running"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"


WAITING: Final = (ImportState.RUNNING, ImportState.HELD)
"""The states in which an import needs its file."""


class ImportProgress(msgspec.Struct, frozen=True):
    """The progress of an import.

    `rows` is None until the import ends. `fault` is None unless the import's file is unusable or held. Each
    line up to `last_row` is counted once: in `heading_lines`, `blank`, `accepted`, `unchanged`, `differing`
    or `rejected`. `runs` is how often the file was imported; the counts are those of the last run. `ignored`
    are the headings of columns that are not imported.
    """

    id: str
    name: str
    counts_as: CountsAs
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
    ignored: Sequence[str]
    started_at: datetime
    changed_at: datetime
    finished_at: datetime | None


class ImportStatus(ImportProgress, frozen=True):
    """The progress of an import, its caller, and what an officer should know about the file."""

    caller: str | None
    notes: Sequence[Note]


class ImportPlan(msgspec.Struct, frozen=True):
    """How a file is to be imported: what its inspection found, and the headings of columns to ignore."""

    hold: HoldReason | None = None
    ignored: Sequence[str] = ()
    notes: Sequence[Note] = ()
    counts_as: CountsAs = CountsAs.STOCK


AS_IT_IS: Final = ImportPlan()


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


class RejectedRow(NamedTuple):
    """A rejected or differing row: its faults as (column, reason), and its encrypted cells until deleted."""

    number: int
    faults: list[tuple[str, str]]
    cells: bytes | None


class ReportFormat(msgspec.Struct, frozen=True):
    """The headings and the separator of the file, and which headings are not imported."""

    headings: list[str]
    separator: str
    ignored: list[str]


class WriteRules(NamedTuple):
    """What the writing of a chunk needs besides the chunk.

    `differing_columns` compares a row with the register. `seal_cells` returns the encrypted cells of rows,
    given their numbers.
    """

    new_id: Callable[[], UUID]
    differing_columns: DifferingColumns
    seal_cells: Callable[[Sequence[int]], Sequence[bytes]]


async def begin(
    connection: Connection, import_id: str, name: str, caller: str | None, plan: ImportPlan = AS_IT_IS
) -> bool:
    """Insert an import, or start an ended one again if it rejected rows or failed.

    Its state is RUNNING, or HELD if there is a reason to hold it that nobody has confirmed. An import that
    exists keeps its `counts_as`. Return False if it is not started again.
    """
    columns = {
        "hold": plan.hold,
        "ignored": list(plan.ignored),
        "notes": msgspec.json.encode(plan.notes).decode(),
    }
    new = await QUERIES.import_begin(
        connection, id=import_id, file_name=name, caller=caller, counts_as=plan.counts_as.value, **columns
    )
    if new is None:
        new = await QUERIES.import_repeat(connection, id=import_id, **columns)
    return new is not None


async def confirm(connection: Connection, import_id: str, caller: str) -> bool:
    """Let a held import run. Return False if the import is not held."""
    return await QUERIES.import_confirm(connection, id=import_id, caller=caller) is not None


async def read_header(connection: Connection, import_id: str, header: Header) -> None:
    """Store the heading of the file and how many lines it has, unless the import has gone beyond them."""
    await QUERIES.import_read_header(
        connection,
        id=import_id,
        line=header.line,
        blank_lines=header.blank_lines,
        headings=list(header.headings),
        separator=header.separator,
    )


async def status(connection: Connection, import_id: str) -> ImportStatus | None:
    """Return the status of an import; None if it was never begun."""
    row = await QUERIES.import_status(connection, id=import_id)
    if row is None:
        return None
    return msgspec.convert({**row, "notes": msgspec.json.decode(row["notes"])}, ImportStatus)


async def known(connection: Connection, nik_hmacs: str) -> list[Participant]:
    """Return the participants with these NIK fingerprints, an array literal, without locking them."""
    found = QUERIES.import_known(connection, nik_hmacs=nik_hmacs)
    return [register_rows.participant_of(row) async for row in found]


async def write_chunk(
    connection: Connection,
    import_id: str,
    packed: PackedChunk,
    after_row: int,
    rules: WriteRules,
) -> None:
    """Write the chunk that follows row `after_row`. Do nothing if the chunk is already written.

    It is already written if this call is a retry after the response to the COMMIT was lost. The chunk is
    first written as if the register had none of its people, because that is true for nearly every chunk. If
    the register has some of them, the chunk is written in a second transaction, which reads them first and
    compares them with their rows.

    Errors of the driver are raised unchanged. Raises ConcurrentWriteError if another transaction registered
    one of the people after they were read. The call may be repeated after both. Raises ImportInterruptedError
    if this process must not continue the import.
    """

    async def write_new(_is_repeat: bool) -> None:
        progress = Progress(packed.last_row, packed.blank, packed.count, rejected=packed.rejected)
        await _record_progress(connection, import_id, progress, rules)
        await register_rows.write_rows(connection, participants=packed.participants, events=packed.events)

    async def write_overlapping(is_repeat: bool) -> None:
        await _write_overlapping(connection, import_id, packed, rules, is_repeat)

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
            raise ImportInterruptedError(f"the import is {locked['state'] if locked else 'unknown'}")
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
    rules: WriteRules,
    is_repeat: bool,
) -> None:
    """Write a chunk with people whom the register has."""
    validated = packed.unpacked()
    known = await register_rows.lock(connection, nik_hmacs=str(packed.participants["nik_hmac"]))
    events, unchanged, differing, rejected = compare_with_register(
        validated.accepted,
        known,
        lambda participant: participant.person.import_id == import_id and not is_repeat,
        rules.differing_columns,
    )
    await register_rows.keep_former(connection, events)
    await _update_reregistered(
        connection, import_id, [event.after for event in events if event.before is not None]
    )
    progress = Progress(
        validated.last_row,
        validated.blank,
        len(events),
        unchanged,
        differing,
        [*validated.rejected, *rejected],
    )
    await _record_progress(connection, import_id, progress, rules)
    drafts = [EventDraft(rules.new_id(), event, CHANNEL) for event in events]
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


async def _record_progress(
    connection: Connection, import_id: str, progress: Progress, rules: WriteRules
) -> None:
    """Store a chunk's last row and its faults, and add its counts to those of the import."""
    cells = [*progress.rejected, *progress.differing]
    if cells:
        await QUERIES.import_reject(
            connection,
            id=import_id,
            rejected_rows=[cell.row for cell in cells],
            fields=[cell.field for cell in cells],
            reasons=[str(cell.reason) for cell in cells],
        )
        numbers = sorted({cell.row for cell in cells})
        await QUERIES.import_keep_cells(
            connection, id=import_id, rejected_rows=numbers, cells=rules.seal_cells(numbers)
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


async def report_format(pool: asyncpg.Pool[Any], import_id: str) -> ReportFormat:
    """Return the form of the report of an import that was begun."""
    row = await QUERIES.import_report_format(pool, id=import_id)
    return msgspec.convert(dict(row), ReportFormat)


async def rejected_rows(pool: asyncpg.Pool[Any], import_id: str) -> AsyncIterator[RejectedRow]:
    """Iterate over the rejected and differing rows, in their order.

    The rows are read in several queries, and no connection is held between two queries.
    """
    after_row, page_rows = 0, PAGE_ROWS
    while page_rows == PAGE_ROWS:
        found = QUERIES.import_rejections(pool, id=import_id, after_row=after_row, rows_max=PAGE_ROWS)
        page: dict[int, RejectedRow] = {}
        async for cell in found:
            row = page.setdefault(cell["row"], RejectedRow(cell["row"], [], cell["cells"]))
            row.faults.append((cell["field"], cell["reason"]))
        for row in page.values():
            yield row
        after_row, page_rows = max(page, default=0), len(page)
