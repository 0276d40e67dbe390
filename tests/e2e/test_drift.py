"""A count that is not the register's is found, and told to everyone who looks."""

from __future__ import annotations

import asyncpg
import pytest

from tests.support.databases import Databases
from tests.support.deadlines import until
from tests.support.board_observer import Witness
from tests.support.registration_load import Crowd
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e

REPORTED_S_MAX = 10.0


async def test_a_changed_tally_row_shows_as_drift_within_10_s(
    counting: Stack, witness: Witness, crowd: Crowd, database: Databases
) -> None:
    async with crowd:
        await until(lambda: len(crowd.accepted) > 100)
    await witness.sees_exactly(crowd.accepted)

    connection = await asyncpg.connect(database.aggregator)
    await connection.execute(
        "update tally set count = count + 3"
        " where scope = 'all' and region = '31.71' and measure = 'registered'"
    )
    await connection.close()

    async def the_board_shows_the_drift() -> bool:
        return bool((await witness.look())["audit"]["drift"] == 3)

    await until(the_board_shows_the_drift, deadline_s=REPORTED_S_MAX)
