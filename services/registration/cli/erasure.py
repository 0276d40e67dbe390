"""Erases a person's data (`registration erase`)."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import asyncpg
import typer
import uuid_utils.compat

from registration.cli.command_runner import CommandRefusedError, run_on_register
from registration.intake import erasure
from registration.intake.erasure import ErasureOutcome

REFUSALS: Final = {
    ErasureOutcome.UNKNOWN: "there is no such participant",
    ErasureOutcome.MERGED: "the participant was merged into another one: erase that one, which erases both",
    ErasureOutcome.REPEATED: "the data were erased already",
    ErasureOutcome.CHANGED: "another participant was merged into this one meanwhile: run the command again",
}


def erase(participant_id: Annotated[UUID, typer.Argument(metavar="ID")]) -> None:
    """Withdraw a participant, and erase the personal data irreversibly.

    The data of participants that were merged into this one are erased too.
    """
    run_on_register(erase_participant, participant_id)


async def erase_participant(pool: asyncpg.Pool[Any], participant_id: UUID) -> str:
    """Erase a participant and return a message. Raises CommandRefusedError if nothing was erased."""
    async with pool.acquire() as connection:
        outcome = await erasure.erase(connection, participant_id, uuid_utils.compat.uuid7)
    if outcome is not ErasureOutcome.ERASED:
        raise CommandRefusedError(REFUSALS[outcome])
    return f"{participant_id} is withdrawn and erased; a person who returns is counted as a new participant"
