"""The whole system, running: every service's process over a broker and database of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from tests.support.databases import Databases
from tests.support.board_observer import Witness
from tests.support.registration_load import Crowd
from tests.support.stack import Stack

COUNTING = ("api", "relay", "audit", "worker", "publisher", "board")


@pytest.fixture
async def counting(stack: Stack) -> Stack:
    """Everything from the register to the board, without notifier."""
    await stack.start(*COUNTING)
    return stack


@pytest.fixture
async def witness(counting: Stack, database: Databases) -> AsyncIterator[Witness]:
    """Somebody who looks at the board all the time."""
    async with Witness(counting, database) as witness:
        yield witness


@pytest.fixture
def crowd(counting: Stack) -> Crowd:
    """People at the doors of the one API."""
    return Crowd([counting.url("api")], counting.keys["booth"])


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    """A client that fails on nothing by itself."""
    async with ClientSession() as session:
        yield session
