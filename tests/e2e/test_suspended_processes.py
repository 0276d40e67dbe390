"""A suspended process (SIGSTOP) does not block other processes, and makes no count wrong when it resumes."""

from __future__ import annotations

import pytest

from tests.support.board_count_checker import BoardObserver
from tests.support.deadlines import until
from tests.support.registration_load import RegistrationClients
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e


async def test_a_suspended_api_process_does_not_block_the_other(
    running_stack: Stack, observer: BoardObserver
) -> None:
    await running_stack.start("api-2")
    key = running_stack.keys["booth"]
    active = RegistrationClients([running_stack.url("api")], key)
    suspended = RegistrationClients([running_stack.url("api-2")], key, first=100_000)

    async with active, suspended:
        await until(lambda: len(suspended.accepted) > 50)
        running_stack.suspend("api-2")
        before = len(active.accepted)
        await until(lambda: len(active.accepted) > before + 300, deadline_s=30)
        running_stack.resume("api-2")
        before = len(suspended.accepted)
        await until(lambda: len(suspended.accepted) > before + 50, deadline_s=60)

    await observer.wait_for_exactly(active.accepted.keys() | suspended.accepted.keys())


async def test_a_worker_suspended_longer_than_its_session_is_replaced_and_counts_nothing_twice(
    running_stack: Stack, observer: BoardObserver, clients: RegistrationClients
) -> None:
    await running_stack.start("worker-2")

    async with clients:
        await until(lambda: len(clients.accepted) > 100)
        running_stack.suspend("worker")
        counted = await until(observer.total)
        await until(lambda: _total_is_above(observer, counted + 300), deadline_s=90, every_s=0.3)
        running_stack.resume("worker")

    await observer.wait_for_exactly(clients.accepted, deadline_s=60)


async def test_the_board_stops_being_live_after_the_relay_dies(
    running_stack: Stack, observer: BoardObserver, clients: RegistrationClients
) -> None:
    async with clients:
        await until(lambda: _is(observer, "live"))
        running_stack.kill("relay")
        await until(lambda: _is_not(observer, "live"))
        await running_stack.start("relay")

    await observer.wait_for_exactly(clients.accepted)


async def test_the_board_stops_being_live_after_the_relay_dies_without_registrations(
    running_stack: Stack, observer: BoardObserver
) -> None:
    await until(lambda: _is(observer, "live"))

    running_stack.kill("relay")

    await until(lambda: _is_not(observer, "live"))


async def _total_is_above(observer: BoardObserver, minimum: int) -> bool:
    return await observer.total() > minimum


async def _is(observer: BoardObserver, state: str) -> bool:
    return await observer.state() == state


async def _is_not(observer: BoardObserver, state: str) -> bool:
    return not await _is(observer, state)
