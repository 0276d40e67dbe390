"""An operation is answered only once the synchronous standby has its commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import uuid_utils.compat

from registration.domain.commands import Command, RegisterCommand, WithdrawCommand
from registration.domain.idempotent_operation import Answer, Operation
from registration.domain.participant import Person, Standing
from registration.intake.transaction import IntakeTransaction
from registration.store.error_classification import AmbiguousCommitError
from tests.support.cancelled_commits import cancel_commits, waiting_commits
from tests.support.deadlines import until
from tests.support.postgres_server import Databases, TestServer

pytestmark = pytest.mark.integration

STANDING = Standing("31.71.01.1001", None, None, ())
UNKNOWN = UUID(int=1)


@pytest.fixture
async def intake(missing_standby: TestServer, database: Databases) -> AsyncIterator[IntakeTransaction]:
    """The intake of a server whose commits wait for a standby that does not exist."""
    pool = await asyncpg.create_pool(**database.registration.asyncpg_options(), min_size=1, max_size=1)
    yield IntakeTransaction(pool, uuid_utils.compat.uuid7)
    pool.terminate()


@pytest.fixture
async def admin(database: Databases) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection that does not wait for the standby, because it only reads."""
    connection = await asyncpg.connect(**database.admin.asyncpg_options())
    yield connection
    await connection.close()


def _registration() -> Command:
    person = Person(b"nik", b"nik", None, "key", "Peserta Contoh", None, "2026-01", "booth")
    return RegisterCommand(uuid_utils.compat.uuid7(), STANDING, person)


def _writing(intake: IntakeTransaction, command: Command) -> asyncio.Future[Sequence[Answer]]:
    return asyncio.ensure_future(
        intake.write([Operation("caller", "route", "key", b"body", command, "booth")])
    )


@pytest.mark.parametrize(
    "command", [_registration(), WithdrawCommand(id=UNKNOWN)], ids=["accepted", "refused"]
)
async def test_a_cancelled_commit_is_ambiguous_and_its_repetition_waits_for_the_standby(
    command: Command,
    intake: IntakeTransaction,
    missing_standby: TestServer,
    database: Databases,
    admin: asyncpg.Connection[Any],
) -> None:
    first = _writing(intake, command)
    await cancel_commits(database.admin)
    with pytest.raises(AmbiguousCommitError):
        await first

    second = _writing(intake, command)
    await until(lambda: waiting_commits(admin), 30, name="the repetition waits for the standby")
    assert not second.done()
    missing_standby.require_a_standby("")
    (answer,) = await asyncio.wait_for(second, 30)

    assert answer.replayed
    assert await admin.fetchval("select count(*) from registration.idempotency") == 1
