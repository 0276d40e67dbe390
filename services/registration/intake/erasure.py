"""Erases a person: withdraws the participant, and deletes the personal data, in one transaction.

After an erasure nothing in the register shows whether a NIK was registered before. If the person stayed
counted and registered again, the person would be counted twice.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final
from uuid import UUID

from database.replication import replicated_transaction
from registration.domain.cloud_event import EventDraft
from registration.domain.commands import WithdrawCommand
from registration.domain.decision import Refused, decide
from registration.domain.participant import Participant, Status
from registration.store import register_rows
from registration.store.array_literals import uuids
from registration.store.register_rows import QUERIES, Connection

CHANNEL: Final = "officer"


class ErasureOutcome(Enum):
    """How an erasure ended."""

    ERASED = "erased"
    UNKNOWN = "unknown"  # there is no such participant
    MERGED = "merged"  # the participant was merged into another: erase that one, which includes this one
    REPEATED = "repeated"  # the data were erased already
    CHANGED = "changed"  # a participant was merged into this one meanwhile: nothing was erased


async def erase(connection: Connection, participant_id: UUID, new_id: Callable[[], UUID]) -> ErasureOutcome:
    """Erase a participant, and all participants that were merged into it, because they are the same person.

    Writes a withdrawal if the participant is registered.
    """
    async with replicated_transaction(connection):
        ids = await _same_person(connection, participant_id)
        participants = {found.id: found for found in await register_rows.lock(connection, uuids(ids))}
        if participant_id not in participants:
            return ErasureOutcome.UNKNOWN
        if participants[participant_id].status is Status.MERGED:
            return ErasureOutcome.MERGED
        if await _same_person(connection, participant_id) != ids:
            return ErasureOutcome.CHANGED
        drafts = _withdrawal(participants[participant_id], new_id)
        await register_rows.update(connection, [draft.event.after for draft in drafts])
        erased = [await QUERIES.erase(connection, id=found) for found in ids]
        if drafts:
            await register_rows.write_rows(connection, events=register_rows.event_rows(drafts))
        return ErasureOutcome.ERASED if drafts or any(erased) else ErasureOutcome.REPEATED


async def _same_person(connection: Connection, participant_id: UUID) -> list[UUID]:
    rows = QUERIES.same_person(connection, id=participant_id)
    return [UUID(int=row["id"].int) async for row in rows]


def _withdrawal(participant: Participant, new_id: Callable[[], UUID]) -> list[EventDraft]:
    """Return the event that withdraws a participant; none if the participant is not registered."""
    decision = decide(WithdrawCommand(id=participant.id), participant)
    if isinstance(decision, Refused):
        return []
    return [EventDraft(new_id(), event, CHANNEL) for event in decision]
