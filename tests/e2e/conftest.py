"""Fixtures of the end-to-end tests: running processes, clients that register people, a board observer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession

from tests.support.board_count_checker import BoardObserver
from tests.support.postgres_server import Databases
from tests.support.registration_load import RegistrationClients
from tests.support.stack import Stack

PROCESSES = ("api", "relay", "audit", "worker", "publisher", "board")


@pytest.fixture
async def running_stack(stack: Stack) -> Stack:
    """All processes from the register to the board, started and ready. The notifier is not started."""
    await stack.start(*PROCESSES)
    return stack


@pytest.fixture
async def observer(running_stack: Stack, database: Databases) -> AsyncIterator[BoardObserver]:
    """An observer that reads the board during the whole test."""
    async with BoardObserver(running_stack, database) as observer:
        yield observer


@pytest.fixture
def clients(running_stack: Stack) -> RegistrationClients:
    """Clients that register people through the stack's only API process."""
    return RegistrationClients([running_stack.url("api")], running_stack.keys["booth"])


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    """An HTTP client that raises no exception for an error status."""
    async with ClientSession() as session:
        yield session
