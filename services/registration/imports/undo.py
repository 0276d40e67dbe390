"""Takes an import back: withdraws whom it registered and nobody touched since, chunk by chunk.

How far it is can be read from the participants themselves: an undo that was cut short goes on where it was.
Crash points: `import.before_undo_commit`, `import.after_undo_commit`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from registration.domain.decide import Refused, WithdrawCommand, decide
from registration.domain.event import EventDraft
from registration.imports.chunk import only_event
from registration.imports.row_validation import CHANNEL
from registration.imports.store import ImportInterruptedError, ImportState
from registration.store import participants
from registration.store.participants import QUERIES, Connection
from telemetry.failpoints import failpoint

NOBODY: Final = UUID(int=0)
KEPT_PAGE_ROWS: Final = 1_000


class KeptParticipant(msgspec.Struct, frozen=True):
    """Somebody an import registered and whom an undo leaves, because somebody changed them since."""

    id: UUID
    standing: str
    revision: int
    changed_at: datetime


async def begin_undo(connection: Connection, import_id: str) -> bool:
    """Stop the import where it is and let its undo begin; False where there is none to undo."""
    return await QUERIES.import_begin_undo(connection, id=import_id) is not None


async def undo_chunk(
    connection: Connection, import_id: str, rows_max: int, new_id: Callable[[], UUID]
) -> int | None:
    """Withdraw some of whom this import registered and nobody touched since; None once nobody is left.

    Raises ImportInterruptedError if no undo is under way, or the driver's error: call it again then.
    """
    async with connection.transaction():
        locked = await QUERIES.import_lock(connection, id=import_id)
        if locked is None or locked["state"] not in (ImportState.UNDOING, ImportState.UNDONE):
            raise ImportInterruptedError("the import is not being undone")
        found = QUERIES.import_untouched(connection, id=import_id, rows_max=rows_max)
        ids = [row["id"] async for row in found]
        if not ids:
            await QUERIES.import_end_undo(connection, id=import_id)
            return None
        revisions = {
            row["participant_id"]: row["revision"]
            async for row in QUERIES.import_revisions(connection, id=import_id, participant_ids=ids)
        }
        withdrawn = []
        for participant in await participants.lock(connection, ids):
            # Somebody may have changed them between the two statements: then they are kept.
            decision = decide(
                WithdrawCommand(id=participant.id, expected=revisions.get(participant.id, 1)), participant
            )
            if not isinstance(decision, Refused) and participant.person.import_id == import_id:
                withdrawn.append(only_event(decision))
        # They leave the import: what it still has afterwards is what was kept.
        await participants.update(
            connection,
            [replace(event.after, person=replace(event.after.person, import_id=None)) for event in withdrawn],
        )
        await QUERIES.import_advance_undo(connection, id=import_id, undone=len(withdrawn))
        drafts = [EventDraft(new_id(), event, CHANNEL) for event in withdrawn]
        await participants.append(connection, drafts)
        failpoint("import.before_undo_commit")
    failpoint("import.after_undo_commit")
    return len(withdrawn)


async def kept(connection: Connection, import_id: str) -> AsyncIterator[KeptParticipant]:
    """Whom an undo leaves or left, by id."""
    after = NOBODY
    while True:
        found = QUERIES.import_kept(connection, id=import_id, after=after, rows_max=KEPT_PAGE_ROWS)
        page = [row async for row in found]
        for row in page:
            yield KeptParticipant(
                UUID(int=row["id"].int), row["standing"], row["revision"], row["changed_at"]
            )
        if len(page) < KEPT_PAGE_ROWS:
            return
        after = page[-1]["id"]


async def kept_count(connection: Connection, import_id: str) -> int:
    """How many an undo leaves or left."""
    count: int = await QUERIES.import_kept_count(connection, id=import_id)
    return count
