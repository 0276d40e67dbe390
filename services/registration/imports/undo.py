"""Undoes an import: withdraws the participants that it registered, unless they have changed since.

Participants are withdrawn chunk by chunk. The register shows which are still to be withdrawn, so an
interrupted undo can simply be run again.
Failpoints: `import.before_undo_commit`, `import.after_undo_commit`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from registration.domain.cloud_event import EventDraft
from registration.domain.commands import WithdrawCommand
from registration.domain.decision import Refused, decide
from registration.imports.chunk_encoding import only_event
from registration.imports.row_validation import CHANNEL
from registration.imports.store import ImportInterruptedError, ImportState
from registration.store import register_rows
from registration.store.array_literals import uuids
from registration.store.register_rows import QUERIES, Connection
from telemetry.failpoints import failpoint

LOWEST_ID: Final = UUID(int=0)
KEPT_PAGE_ROWS: Final = 1_000


class KeptParticipant(msgspec.Struct, frozen=True):
    """A participant whom the undo of an import keeps, because the participant has changed meanwhile."""

    id: UUID
    standing: str
    revision: int
    changed_at: datetime


async def begin_undo(connection: Connection, import_id: str) -> bool:
    """Stop an import and begin its undo. Return False if the import does not exist or is already undone."""
    return await QUERIES.import_begin_undo(connection, id=import_id) is not None


async def undo_chunk(
    connection: Connection, import_id: str, rows_max: int, new_id: Callable[[], UUID]
) -> int | None:
    """Withdraw one chunk of the import's unchanged participants.

    Returns how many were withdrawn; None if no unchanged participant was left, which ends the undo. Errors
    of the driver are raised unchanged, and the call may be repeated after them. Raises ImportInterruptedError
    if the import is not being undone.
    """
    async with connection.transaction():
        locked = await QUERIES.import_lock(connection, id=import_id)
        if locked is None or locked["state"] not in (ImportState.UNDOING, ImportState.UNDONE):
            raise ImportInterruptedError("the import is not being undone")
        found = QUERIES.import_unchanged_participants(connection, id=import_id, rows_max=rows_max)
        ids = [row["id"] async for row in found]
        if not ids:
            await QUERIES.import_end_undo(connection, id=import_id)
            return None
        revisions = {
            row["participant_id"]: row["revision"]
            async for row in QUERIES.import_reregistered_revisions(
                connection, id=import_id, participant_ids=ids
            )
        }
        withdrawn = []
        for participant in await register_rows.lock(connection, uuids(ids)):
            # A participant may have changed after the statement above found it unchanged. Its revision then
            # differs from the expected revision, the command is refused, and the participant is kept.
            decision = decide(
                WithdrawCommand(id=participant.id, expected_revision=revisions.get(participant.id, 1)),
                participant,
            )
            if not isinstance(decision, Refused) and participant.person.import_id == import_id:
                withdrawn.append(only_event(decision))
        # Withdrawn participants lose their import_id, so that in the end only the kept participants have it.
        await register_rows.update(
            connection,
            [replace(event.after, person=replace(event.after.person, import_id=None)) for event in withdrawn],
        )
        await QUERIES.import_advance_undo(connection, id=import_id, undone=len(withdrawn))
        drafts = [EventDraft(new_id(), event, CHANNEL) for event in withdrawn]
        await register_rows.write_rows(connection, events=register_rows.event_rows(drafts))
        failpoint("import.before_undo_commit")
    failpoint("import.after_undo_commit")
    return len(withdrawn)


async def kept_participants(connection: Connection, import_id: str) -> AsyncIterator[KeptParticipant]:
    """Iterate, by id, over the participants that an undo of this import keeps or has kept."""
    after = LOWEST_ID
    while True:
        found = QUERIES.import_changed_participants(
            connection, id=import_id, after=after, rows_max=KEPT_PAGE_ROWS
        )
        page = [row async for row in found]
        for row in page:
            yield KeptParticipant(
                UUID(int=row["id"].int), row["standing"], row["revision"], row["changed_at"]
            )
        if len(page) < KEPT_PAGE_ROWS:
            return
        after = page[-1]["id"]


async def kept_count(connection: Connection, import_id: str) -> int:
    """Return the number of participants that an undo of this import keeps or has kept."""
    count: int = await QUERIES.import_changed_count(connection, id=import_id)
    return count
