"""The statements of one intake transaction, and the events that it stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import uuid_utils.compat

from registration.domain.cloud_event import EventDraft, number_event
from registration.domain.commands import RegisterCommand
from registration.domain.decision import Event, EventType
from registration.domain.idempotent_operation import DONE, Operation
from registration.domain.participant import Participant, Person, Standing, Status
from registration.intake.transaction import write
from tests.support.postgres_server import Databases

pytestmark = pytest.mark.integration

STANDING = Standing("31.71.01.1001", campaign='odd "campaign"')
CHANNEL = "booth"


@pytest.fixture
async def connection(database: Databases) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(database.registration)
    yield connection
    await connection.close()


def registration(number: int, nik_hmac: bytes) -> Operation:
    person = Person(nik_hmac, b"nik", None, "key", "Peserta Contoh", None, "2026-01", CHANNEL)
    command = RegisterCommand(uuid_utils.compat.uuid7(), STANDING, person)
    return Operation("caller", "register", f"key-{number}", b"body", command, CHANNEL)


async def statements_of(connection: asyncpg.Connection[Any], batch: list[Operation]) -> list[str]:
    """Write a batch of valid registrations, and return the first word of each executed statement."""
    words: list[str] = []
    with connection.query_logger(lambda logged: words.append(logged.query.split()[0].strip(";").upper())):
        answers = await write(connection, batch, uuid_utils.compat.uuid7)
        await asyncio.sleep(0)  # the query logger is called in the loop's next iteration
    assert {answer.outcome for answer in answers} == {DONE}
    return words


async def test_newcomers_are_written_in_one_statement(connection: asyncpg.Connection[Any]) -> None:
    batch = [registration(number, bytes([number])) for number in range(40)]

    words = await statements_of(connection, batch)

    assert words == ["BEGIN", "WITH", "COMMIT"]
    assert await connection.fetchval("SELECT count(*) FROM event") == 40


async def test_a_stored_event_is_the_text_of_number_event(
    connection: asyncpg.Connection[Any],
) -> None:
    batch = [registration(number, bytes([number])) for number in range(3)]

    await statements_of(connection, batch)

    rows = {row["participant_id"]: row for row in await connection.fetch("SELECT * FROM event")}
    for operation in batch:
        command = operation.command
        assert isinstance(command, RegisterCommand)
        row = rows[command.id]
        new = Participant(command.id, Status.REGISTERED, STANDING, 1, command.person)
        draft = EventDraft(UUID(int=row["id"].int), Event(EventType.REGISTERED, None, new, None), CHANNEL)
        assert row["value"] == number_event(draft, row["sequence"], row["recorded_at"]).value
