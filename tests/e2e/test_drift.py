"""The audit finds a count that differs from the register, and the board shows the drift."""

from __future__ import annotations

import asyncpg
import pytest

from tests.support.board_count_checker import BoardObserver
from tests.support.deadlines import until
from tests.support.postgres_server import Databases
from tests.support.registration_load import RegistrationClients
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e


async def test_a_changed_tally_is_shown_as_drift(
    running_stack: Stack, observer: BoardObserver, clients: RegistrationClients, database: Databases
) -> None:
    async with clients:
        await until(lambda: len(clients.accepted) > 100)
    await observer.wait_for_exactly(clients.accepted)

    connection = await asyncpg.connect(**database.aggregator.asyncpg_options())
    await connection.execute(
        "update tally set count = count + 3"
        " where scope = 'all' and region = '31.71' and measure = 'registered'"
    )
    await connection.close()

    async def the_board_shows_the_drift() -> bool:
        return bool((await observer.counts())["audit"]["drift"] == 3)

    await until(the_board_shows_the_drift)
