"""The tallies are rebuilt while people register."""

from __future__ import annotations

import pytest

from tests.support.board_count_checker import BoardObserver
from tests.support.deadlines import until
from tests.support.registration_load import RegistrationClients
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e


async def test_a_rebuild_under_load_never_lowers_the_count_and_ends_exact(
    running_stack: Stack, observer: BoardObserver, clients: RegistrationClients
) -> None:
    async with clients:
        await until(lambda: len(clients.accepted) > 200)
        await running_stack.command("aggregator", "rebuild")
        before = len(clients.accepted)
        await until(lambda: len(clients.accepted) > before + 100)

    await observer.wait_for_exactly(clients.accepted)
