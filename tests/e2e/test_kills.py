"""Counts stay exact when one process dies at a failpoint, or when all processes are killed at once."""

from __future__ import annotations

import pytest

from tests.support.board_count_checker import BoardObserver
from tests.support.deadlines import until
from tests.support.failpoint_names import API, PUBLISHER, RELAY, WORKER
from tests.support.registration_load import RegistrationClients
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e


async def _kill_at_each(
    stack: Stack, process: str, service: str, points: tuple[str, ...], passes: int
) -> None:
    """Let a process die at each failpoint in turn, when it passes the failpoint for the `passes`-th time.

    Then restart the process without a failpoint.
    """
    for point in points:
        await stack.restart(process, env={f"{service}_CRASH_AT": f"{point}:{passes}"})
        assert await stack.ended(process) == -9
    await stack.start(process)


async def test_no_participant_is_lost_or_doubled_when_api_or_relay_dies_at_a_failpoint(
    running_stack: Stack, observer: BoardObserver, clients: RegistrationClients
) -> None:
    async with clients:
        await _kill_at_each(running_stack, "api", "REGISTRATION", API, passes=20)
        await _kill_at_each(running_stack, "relay", "REGISTRATION", RELAY, passes=5)

    await observer.wait_for_exactly(clients.accepted)


async def test_the_count_is_exact_when_worker_or_publisher_dies_at_a_failpoint(
    running_stack: Stack, observer: BoardObserver, clients: RegistrationClients
) -> None:
    async with clients:
        await _kill_at_each(running_stack, "worker", "AGGREGATOR", WORKER, passes=20)
        await _kill_at_each(running_stack, "publisher", "AGGREGATOR", PUBLISHER, passes=10)

    await observer.wait_for_exactly(clients.accepted)


async def test_the_count_is_exact_when_all_processes_are_killed_at_once(
    running_stack: Stack, observer: BoardObserver, clients: RegistrationClients
) -> None:
    async with clients:
        await until(lambda: len(clients.accepted) > 50)
        for process in ("api", "relay", "audit", "worker", "publisher"):
            running_stack.kill(process)
        await running_stack.start("publisher", "worker", "audit", "relay", "api")
        before = len(clients.accepted)
        await until(lambda: len(clients.accepted) > before + 50)

    await observer.wait_for_exactly(clients.accepted)
