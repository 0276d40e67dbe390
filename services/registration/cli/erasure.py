"""Erases a participant's personal data (`registration erase`)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import asyncpg
import typer

from registration.cli.command_runner import CommandRefusedError, run_on_register
from registration.store.register_rows import QUERIES


def erase(participant_id: Annotated[UUID, typer.Argument(metavar="ID")]) -> None:
    """Erase a participant's personal data irreversibly. No count changes."""
    run_on_register(erase_participant, participant_id)


async def erase_participant(pool: asyncpg.Pool[Any], participant_id: UUID) -> str:
    """Erase a participant's personal data and return a message.

    Raises CommandRefusedError if the participant is unknown or the data were erased already.
    """
    if not await QUERIES.erase(pool, id=participant_id):
        raise CommandRefusedError("there is no such participant, or the data were erased already")
    return f"{participant_id} is erased; the standing stays, so no count changes"
