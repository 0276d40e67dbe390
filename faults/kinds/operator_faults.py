"""A full disk, and what operators do while everything runs: leaders moved, a rebuild, Kafka put back."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import asyncpg

from deploy.local.commands import CommandError
from deploy.topics import read_topics
from faults.fault import Fault, Inflict
from faults.kinds.store_faults import forget, sequences
from faults.recovery_probe import DATABASE_AWAY
from faults.system_under_test import World
from settings.contract_files import contract_path
from tests.support.failpoint_names import REBUILD
from tests.support.partition_leaders import move_leaders

FULL_S: Final = 5.0
LOG_SEGMENTS: Final = 3
LATER_S: Final = 5.0
LACKING: Final = "lacks sequence"
"""What a rebuild says that the topic does not lead to the live positions."""
KILLED: Final = f"ended with {-signal.SIGKILL}"
LARGE: Final = "create table public.large as select repeat('x', 1000) from generate_series(1, 1000)"


def of_operation(world: World) -> Iterator[Fault]:
    """Every fault of this kind that this world can have."""
    database, kafka = frozenset({"database"}), frozenset({"kafka"})
    counts = kafka | database | {"worker"}
    if world.disk is not None:
        yield Fault("disk full", "disk of PostgreSQL full", _disk_full(log_too=False), database)
        yield Fault(
            "disk full", "disk of PostgreSQL full, no room for its log", _disk_full(log_too=True), database
        )
    if len(world.cluster.brokers) > 1:
        yield Fault("leaders moved", "leaders of all partitions moved", _leaders_moved, kafka)
    else:
        # In a cluster the epochs of leaders would go back, which no client of Kafka follows while it lives.
        yield Fault("Kafka older", "Kafka put back to an older copy", _kafka_older, counts)
    yield Fault("rebuild", "rebuild of the counts", _rebuild(), counts)
    for point in REBUILD:
        yield Fault("rebuild", f"rebuild that dies at {point}", _rebuild(point), counts)


def _disk_full(*, log_too: bool) -> Inflict:
    async def inflict(world: World, _: random.Random) -> int:
        """Without room for its log PostgreSQL ends by itself: it is started again once there is room."""
        assert world.disk is not None, "there is a disk of its own"
        await asyncio.to_thread(world.disk.fill)
        try:
            await _must_be_full(world)
            if log_too:
                await _fill_the_log(world)
            await asyncio.sleep(FULL_S)
        finally:
            world.disk.free()
        if world.server.runs():
            await asyncio.to_thread(world.server.wait_ready)
        if not world.server.runs():
            await asyncio.to_thread(world.server.start_again)
        return 0

    return inflict


async def _must_be_full(world: World) -> None:
    """Nobody can store a megabyte, or so much as connect: else nothing would be tried."""
    with suppress(*DATABASE_AWAY):
        connection = await asyncpg.connect(world.databases.admin, timeout=5)
        try:
            await connection.execute(LARGE)
        finally:
            connection.terminate()
        raise AssertionError("the disk is not full")


async def _fill_the_log(world: World) -> None:
    """Go on to new segments of the log until there is no room for one more."""
    with suppress(*DATABASE_AWAY):
        connection = await asyncpg.connect(world.databases.admin, timeout=2)
        try:
            for _ in range(LOG_SEGMENTS):
                await connection.execute(
                    "select pg_logical_emit_message(false, 'fault', 'x'), pg_switch_wal()"
                )
        finally:
            connection.terminate()


async def _leaders_moved(world: World, _: random.Random) -> int:
    topics = [world.topics.name(one.name) for one in read_topics(contract_path("topics.yaml"))]
    await move_leaders(world.topics.bootstrap_servers, topics)
    return 0


def _rebuild(crash_at: str | None = None) -> Inflict:
    async def inflict(world: World, _: random.Random) -> int:
        """Count everything again from the topic; where the topic was robbed, that must be refused."""
        env = {"AGGREGATOR_CRASH_AT": f"{crash_at}:1"} if crash_at else {}
        try:
            await world.stack.command("aggregator", "rebuild", env=env)
        except CommandError as error:
            is_refused = any(world.forgotten.values()) and LACKING in str(error)
            is_killed = crash_at is not None and KILLED in str(error)
            if not (is_refused or is_killed):
                raise
            return int(is_killed)
        return 0

    return inflict


async def _kafka_older(world: World, _: random.Random) -> int:
    """Put Kafka back to what it stored some seconds ago: the newest records of all topics are gone."""
    (broker,) = world.cluster.brokers
    published = await sequences(world, "published")
    broker.kill()
    await asyncio.to_thread(broker.copy)
    await broker.restart()
    await asyncio.sleep(LATER_S)
    broker.kill()
    await asyncio.to_thread(broker.bring_back)
    await forget(world, above=published)
    await broker.restart()
    return 2
