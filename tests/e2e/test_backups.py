"""Restores from backups: a database that is then older than the topics, and an older copy of Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.conftest import PROCESSES
from tests.support.board_count_checker import BoardObserver
from tests.support.broker import Broker
from tests.support.deadlines import until
from tests.support.postgres_server import Databases, TestServer
from tests.support.register_with_keys import commission
from tests.support.registration_load import RegistrationClients
from tests.support.stack import Stack, stack_config
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.e2e


@pytest.fixture
async def own_stack(
    own_postgres: TestServer, topics: Topics, tmp_path: Path
) -> AsyncIterator[tuple[Stack, Databases]]:
    """All processes from the register to the board, with the test's own PostgreSQL server."""
    commissioned = commission(own_postgres, tmp_path / "commissioned")
    databases = own_postgres.clone(commissioned.template)
    process_environment = stack_config(
        tmp_path / "stack", databases.addresses(), topics.environment(), commissioned.secrets
    )
    stack = Stack(replace(process_environment, keys=commissioned.keys))
    try:
        await stack.start(*PROCESSES)
        yield stack, databases
        assert not stack.unexpected_ends()
    finally:
        await stack.close()


async def test_a_restored_backup_is_refused_until_recover_makes_the_count_correct(
    own_postgres: TestServer, own_stack: tuple[Stack, Databases], http: aiohttp.ClientSession
) -> None:
    stack, databases = own_stack
    urls = [stack.url("api")]
    async with RegistrationClients(urls, stack.keys["booth"]) as kept:
        await until(lambda: len(kept.accepted) > 150)
    await asyncio.to_thread(own_postgres.back_up)
    async with BoardObserver(stack, databases) as observer:
        async with RegistrationClients(urls, stack.keys["booth"], first=5_000) as lost:
            await until(lambda: len(lost.accepted) > 100)
        await observer.wait_for_exactly(kept.accepted.keys() | lost.accepted.keys())

    for name in PROCESSES:
        stack.kill(name)
    await asyncio.to_thread(own_postgres.restore)
    await stack.start("api", "worker", "publisher", "audit", "board")
    await stack.start("relay", wait=False)
    await until(lambda: _is_refused(http, stack), deadline_s=60)
    async with RegistrationClients(urls, stack.keys["booth"], first=9_000) as later:
        await until(lambda: len(later.accepted) > 30)
    await stack.command("registration", "recover", "--yes")

    expected = kept.accepted.keys() | later.accepted.keys()
    # Use a new observer: it has not seen the count before the restore, so the lower count is no violation.
    async with BoardObserver(stack, databases) as observer:
        await until(lambda: _total_is(observer, len(expected)), deadline_s=60, every_s=0.3)
    async with BoardObserver(stack, databases) as observer:
        await observer.wait_for_exactly(expected)


async def test_no_count_is_lost_after_kafka_is_restored_from_an_older_copy(
    own_kafka: Broker, running_stack: Stack, observer: BoardObserver, clients: RegistrationClients
) -> None:
    async with clients:
        await until(lambda: len(clients.accepted) > 100)
        own_kafka.kill()
        await asyncio.to_thread(own_kafka.store_copy)
        await own_kafka.restart()
        before = await until(observer.total)
        await until(lambda: _is_above(observer, before + 100), deadline_s=60, every_s=0.3)
        own_kafka.kill()
        await asyncio.to_thread(own_kafka.restore_copy)
        await own_kafka.restart()
        before = len(clients.accepted)
        await until(lambda: len(clients.accepted) > before + 100)

    await observer.wait_for_exactly(clients.accepted, deadline_s=90)


async def _is_refused(http: aiohttp.ClientSession, stack: Stack) -> bool:
    try:
        async with http.get(f"{stack.url('relay')}/metrics") as response:
            lines = (await response.text()).splitlines()
    except aiohttp.ClientError:  # the relay is starting
        return False
    return any(line.startswith("relay_refused") and line.endswith(" 1.0") for line in lines)


async def _total_is(observer: BoardObserver, expected: int) -> bool:
    return await observer.total() == expected


async def _is_above(observer: BoardObserver, least: int) -> bool:
    return await observer.total() >= least
