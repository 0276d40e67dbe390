"""The statements of one intake transaction, and the events that it stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
import uuid_utils.compat

from registration.domain.batch_decision import KnownParticipants, apply
from registration.domain.cloud_event import EventDraft, number_event
from registration.domain.commands import MoveCommand, RegisterCommand, WithdrawCommand
from registration.domain.decision import Event, EventType, Reason
from registration.domain.idempotent_operation import DONE, Operation, OutcomeTuple
from registration.domain.participant import Participant, Person, Standing, Status
from registration.intake.transaction import IntakeTransaction, _write, write
from registration.store.error_classification import ConcurrentWriteError
from tests.support.deadlines import until
from tests.support.postgres_server import Databases
from tests.support.registration.served_api import check_register

pytestmark = pytest.mark.integration

STANDING = Standing("31.71.01.1001", None, 'odd "campaign"', ())
CHANNEL = "booth"


@pytest.fixture
async def connection(database: Databases) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(**database.registration.asyncpg_options())
    yield connection
    await connection.close()


def registration(number: int, nik_hmac: bytes) -> Operation:
    person = Person(nik_hmac, b"nik", None, "key", "Peserta Contoh", None, "2026-01", CHANNEL)
    command = RegisterCommand(uuid_utils.compat.uuid7(), STANDING, person)
    return Operation("caller", "register", f"key-{number}", b"body", command, CHANNEL)


async def statements_of(
    connection: asyncpg.Connection[Any], batch: list[Operation], all_new: bool = False
) -> list[str]:
    """Write a batch of valid registrations, and return the first word of each executed statement."""
    words: list[str] = []
    with connection.query_logger(lambda logged: words.append(logged.query.split()[0].strip(";").upper())):
        answers = await write(connection, batch, uuid_utils.compat.uuid7, all_new=all_new)
        await asyncio.sleep(0)  # the query logger is called in the loop's next iteration
    assert {answer.outcome for answer in answers} == {DONE}
    return words


@pytest.mark.parametrize(
    ("all_new", "statements"),
    [(True, ["BEGIN", "WITH", "COMMIT"]), (False, ["BEGIN", "WITH", "WITH", "COMMIT"])],
)
async def test_newcomers_are_written_in_one_statement(
    connection: asyncpg.Connection[Any], all_new: bool, statements: list[str]
) -> None:
    batch = [registration(number, bytes([number])) for number in range(40)]

    words = await statements_of(connection, batch, all_new)

    assert words == statements
    assert await connection.fetchval("SELECT count(*) FROM event") == 40


async def test_a_batch_of_known_keys_is_read_and_writes_nothing(connection: asyncpg.Connection[Any]) -> None:
    batch = [registration(number, bytes([number])) for number in range(3)]
    first = await write(connection, batch, uuid_utils.compat.uuid7)

    words = await statements_of(connection, batch)

    assert words == ["BEGIN", "WITH", "COMMIT"]
    again = await write(connection, batch[::-1], uuid_utils.compat.uuid7)
    assert [answer.participant_id for answer in again[::-1]] == [answer.participant_id for answer in first]
    assert all(answer.replayed for answer in again)


@pytest.mark.parametrize("known", ["key", "NIK"])
async def test_a_row_that_another_transaction_writes_after_the_read_undoes_the_whole_batch(
    connection: asyncpg.Connection[Any], database: Databases, known: str
) -> None:
    batch = [registration(number, bytes([number])) for number in range(3)]
    other = batch[1] if known == "key" else registration(9, bytes([1]))
    second = await asyncpg.connect(**database.registration.asyncpg_options())

    async def the_batch_waits() -> bool:
        return bool(await second.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))

    transaction = second.transaction()
    await transaction.start()
    await _write(second, [other], uuid_utils.compat.uuid7)

    writing = asyncio.ensure_future(write(connection, batch, uuid_utils.compat.uuid7))
    await until(the_batch_waits)
    await transaction.commit()

    with pytest.raises(ConcurrentWriteError):
        await writing
    assert await second.fetchval("SELECT count(*) FROM idempotency") == 1
    assert await second.fetchval("SELECT count(*) FROM event") == 1
    outcomes = [answer.outcome for answer in await write(connection, batch, uuid_utils.compat.uuid7)]
    assert outcomes == [DONE, DONE if known == "key" else Reason.DUPLICATE, DONE]
    await second.close()


@pytest.mark.parametrize("seed", range(4))
async def test_batches_have_the_answers_of_their_operations_one_by_one(
    database: Databases, seed: int
) -> None:
    """Registrations, moves and withdrawals of six people, and requests that are repeated under their keys."""
    random, known = Random(seed), KnownParticipants(())
    answers: dict[str, OutcomeTuple] = {}
    operations: list[Operation] = []
    people: list[UUID] = []

    def operation() -> Operation:
        if operations and random.random() < 0.1:
            return random.choice(operations)
        new = registration(len(operations), bytes([random.randrange(6)]))
        if people and random.random() < 0.4:
            person, expected = random.choice(people), random.choice((None, None, 1))
            region = random.choice(("31.71.01.1001", "31.72.01.1001"))
            move = MoveCommand(id=person, expected_revision=expected, region=region)
            withdraw = WithdrawCommand(id=person, expected_revision=expected)
            new = msgspec.structs.replace(new, command=move if random.random() < 0.7 else withdraw)
        operations.append(new)
        return new

    async with asyncpg.create_pool(**database.registration.asyncpg_options(), min_size=1, max_size=1) as pool:
        intake = IntakeTransaction(pool, uuid_utils.compat.uuid7)
        for _ in range(60):
            batch = list(
                {each.key: each for each in (operation() for _ in range(random.randint(1, 5)))}.values()
            )
            fresh = [each for each in batch if each.key not in answers]
            expected = apply(fresh, known, uuid_utils.compat.uuid7)
            answers.update(zip((each.key for each in fresh), expected.outcomes, strict=True))
            people = list({*people, *expected.changed})

            given = await intake.write(batch)

            assert [(each.outcome, each.participant_id, each.region, each.revision) for each in given] == [
                answers[each.key] for each in batch
            ]
            assert [each.replayed for each in given] == [each not in fresh for each in batch]
        stored = await pool.fetch("SELECT key, outcome, participant_id, region, revision FROM idempotency")
        assert {row["key"]: tuple(row)[1:] for row in stored} == answers
        await check_register(pool)


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
