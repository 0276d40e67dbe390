"""Database and Kafka, each put back to what it was while the other went on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.conftest import COUNTING
from tests.support.broker import Broker
from tests.support.databases import Databases, TestServer
from tests.support.deadlines import until
from tests.support.board_observer import Witness
from tests.support.register_template import commission
from tests.support.registration_load import Crowd
from tests.support.stack import Stack, surroundings
from tests.support.topics import Topics

pytestmark = pytest.mark.e2e


@pytest.fixture
def own_postgres() -> Iterator[TestServer]:
    """A server of this test's own, to be restored."""
    server = TestServer()
    yield server
    server.close()


@pytest.fixture
async def own_stack(
    own_postgres: TestServer, topics: Topics, tmp_path: Path
) -> AsyncIterator[tuple[Stack, Databases]]:
    """Everything from the register to the board over the server of this test's own."""
    commissioned = commission(own_postgres, tmp_path / "commissioned")
    databases = own_postgres.clone(commissioned.template)
    place = surroundings(tmp_path / "stack", databases.urls(), topics.environment(), commissioned.secrets)
    stack = Stack(replace(place, keys=commissioned.keys))
    try:
        await stack.start(*COUNTING)
        yield stack, databases
        assert not stack.unexpected_ends()
    finally:
        await stack.close()


@pytest.mark.timeout(240)
async def test_a_restored_backup_is_not_mixed_with_the_newer_topic_and_recover_makes_the_count_true(
    own_postgres: TestServer, own_stack: tuple[Stack, Databases], http: aiohttp.ClientSession
) -> None:
    stack, databases = own_stack
    door = [stack.url("api")]
    async with Crowd(door, stack.keys["booth"]) as kept:
        await until(lambda: len(kept.accepted) > 150)
    await asyncio.to_thread(own_postgres.back_up)
    async with Witness(stack, databases) as witness:
        async with Crowd(door, stack.keys["booth"], first=5_000) as lost:
            await until(lambda: len(lost.accepted) > 100)
        await witness.sees_exactly(kept.accepted.keys() | lost.accepted.keys())

    for name in COUNTING:
        stack.kill(name)
    await asyncio.to_thread(own_postgres.restore)
    await stack.start("api", "worker", "publisher", "audit", "board")
    await stack.start("relay", wait=False)
    await until(lambda: _is_refused(http, stack), deadline_s=30)
    async with Crowd(door, stack.keys["booth"], first=9_000) as later:
        await until(lambda: len(later.accepted) > 30)
    await stack.command("registration", "recover", "--yes")

    true = kept.accepted.keys() | later.accepted.keys()
    # Whoever looks from here on has not seen the higher number of those who are lost.
    async with Witness(stack, databases) as witness:
        await until(lambda: _total_is(witness, len(true)), deadline_s=60, every_s=0.3)
    async with Witness(stack, databases) as witness:
        await witness.sees_exactly(true)


@pytest.mark.timeout(240)
async def test_an_older_copy_of_kafka_costs_no_count(
    own_kafka: Broker, counting: Stack, witness: Witness, crowd: Crowd
) -> None:
    async with crowd:
        await until(lambda: len(crowd.accepted) > 100)
        own_kafka.kill()
        await asyncio.to_thread(own_kafka.copy)
        await own_kafka.restart()
        before = await witness.total()
        await until(lambda: _is_above(witness, before + 100), deadline_s=60, every_s=0.3)
        own_kafka.kill()
        await asyncio.to_thread(own_kafka.bring_back)
        await own_kafka.restart()
        before = len(crowd.accepted)
        await until(lambda: len(crowd.accepted) > before + 100)

    await witness.sees_exactly(crowd.accepted, deadline_s=90)


async def _is_refused(http: aiohttp.ClientSession, stack: Stack) -> bool:
    try:
        async with http.get(f"{stack.url('relay')}/metrics") as answer:
            lines = (await answer.text()).splitlines()
    except aiohttp.ClientError:  # it is starting
        return False
    return any(line.startswith("relay_refused") and line.endswith(" 1.0") for line in lines)


async def _total_is(witness: Witness, expected: int) -> bool:
    return await witness.total() == expected


async def _is_above(witness: Witness, least: int) -> bool:
    return await witness.total() >= least
