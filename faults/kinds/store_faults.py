"""PostgreSQL and Kafka killed, frozen, full, or robbed of what they held."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Literal

import asyncpg

from aggregator.domain.counting import PARTITIONS
from faults.fault import Fault, Inflict
from faults.system_under_test import World
from tests.support.commit_proxy import Cut

DOWN_S: Final = 3.0
FROZEN_S: Final = 7.0
CROWDED_S: Final = 4.0
CUT_S_MAX: Final = 10.0
CUTS: Final = 5
CONNECTIONS_MAX: Final = 500
UNCOUNTED_S: Final = 1.5
SET_BACK_EVENTS: Final = 10
SET_BACK: Final = "update registration.partition set published = greatest(published - $1, 0)"


def of_stores(brokers: int) -> Iterator[Fault]:
    """Every fault of the database and of the brokers."""
    database, kafka = frozenset({"database"}), frozenset({"kafka"})
    yield Fault("PostgreSQL stopped hard", "PostgreSQL stopped hard", _database_down, database)
    yield Fault("connections terminated", "all connections terminated", _terminate, database)
    yield Fault("connections exhausted", "no connection to be had", _exhaust, database)
    for cut in Cut:
        yield Fault(
            "ambiguous commit", f"wire cut at COMMIT: {cut.value}", cut_at_commit(cut), database | {"api"}
        )
    for node in range(1, brokers + 1):
        yield Fault("broker killed", f"kill -9 of broker {node}", _broker_killed(node), kafka)
        yield Fault("broker frozen", f"broker {node} frozen", _broker_frozen(node), kafka)
    if brokers > 1:
        yield Fault("all brokers killed", "kill -9 of every broker", _brokers_killed, kafka)
    yield Fault(
        "events sent again",
        "relay set back while nobody counts",
        set_back,
        database | {"relay", "worker"},
    )
    yield Fault("topic truncated", "topic of events truncated", truncate, database | kafka | {"worker"})


async def _database_down(world: World, _: random.Random) -> int:
    await asyncio.to_thread(world.server.crash)
    await asyncio.sleep(DOWN_S)
    await asyncio.to_thread(world.server.start_again)
    return 1


async def _terminate(world: World, _: random.Random) -> int:
    connection = await asyncpg.connect(world.databases.admin)
    try:
        for _again in range(5):
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where backend_type = 'client backend' and pid <> pg_backend_pid()"
            )
            await asyncio.sleep(0.3)
    finally:
        await connection.close()
    return 0


async def _exhaust(world: World, dice: random.Random) -> int:
    """Take every connection there is, after ending those of the services."""
    await _terminate(world, dice)
    async with AsyncExitStack() as taken:
        for _more in range(CONNECTIONS_MAX):
            connection = await _connection(world)
            if connection is None:
                await asyncio.sleep(CROWDED_S)
                break
            taken.callback(connection.terminate)
    return 0


async def _connection(world: World) -> asyncpg.Connection[asyncpg.Record] | None:
    try:
        return await asyncpg.connect(world.databases.registration)
    except asyncpg.TooManyConnectionsError:
        return None


def cut_at_commit(cut: Cut) -> Inflict:
    """Break the wire between an api and PostgreSQL at COMMIT, several times."""

    async def inflict(world: World, _: random.Random) -> int:
        before = world.wire.cuts
        for done in range(CUTS):
            world.wire.cut = cut
            for _look in range(int(CUT_S_MAX / CUTS / 0.1)):
                if world.wire.cuts > before + done:
                    break
                await asyncio.sleep(0.1)
        world.wire.cut = None
        return 0

    return inflict


def _broker_killed(node: int) -> Inflict:
    async def inflict(world: World, _: random.Random) -> int:
        broker = world.cluster.brokers[node - 1]
        broker.kill()
        await asyncio.sleep(DOWN_S)
        await broker.restart()
        return 1

    return inflict


async def _brokers_killed(world: World, _: random.Random) -> int:
    for broker in world.cluster.brokers:
        broker.kill()
    await asyncio.sleep(DOWN_S)
    await asyncio.gather(*(broker.restart() for broker in world.cluster.brokers))
    return len(world.cluster.brokers)


def _broker_frozen(node: int) -> Inflict:
    async def inflict(world: World, _: random.Random) -> int:
        broker = world.cluster.brokers[node - 1]
        broker.pause()
        try:
            await asyncio.sleep(FROZEN_S)
        finally:
            broker.resume()
        return 0

    return inflict


async def truncate(world: World, _: random.Random) -> int:
    """Delete every record while no worker reads: what was not counted has to be sent again."""
    async with _nobody_counting(world):
        await world.topics.empty("participant-events", PARTITIONS)
        await forget(world, dict.fromkeys(range(PARTITIONS), 0))
    return 0


async def set_back(world: World, _: random.Random) -> int:
    """Set the relay back while no worker reads: each of them then gets a run of events twice in one fetch."""
    async with _nobody_counting(world):
        connection = await asyncpg.connect(world.databases.admin)
        try:
            await connection.execute(SET_BACK, SET_BACK_EVENTS)
        finally:
            await connection.close()
        await asyncio.sleep(UNCOUNTED_S)
    return 0


@asynccontextmanager
async def _nobody_counting(world: World) -> AsyncIterator[None]:
    """The workers asleep, and some events on the topic that they have not read."""
    pids = {name: world.stack.pid(name) for name in ("worker", "worker-2")}
    for name in pids:
        world.stack.stop(name)
    try:
        await asyncio.sleep(UNCOUNTED_S)
        yield
    finally:
        for name, pid in pids.items():
            if world.stack.pid(name) == pid:
                world.stack.cont(name)


async def sequences(world: World, column: Literal["last_sequence", "published"]) -> dict[int, int]:
    """Per partition, the last sequence given, or the last that the topic acknowledged."""
    connection = await asyncpg.connect(world.databases.admin)
    try:
        rows = await connection.fetch(f"select partition, {column} from registration.partition")
    finally:
        await connection.close()
    return {row[0]: row[1] for row in rows}


async def forget(world: World, above: Mapping[int, int]) -> None:
    """Note that all records so far, above a sequence of each partition, may be gone from the topic."""
    for partition, last in (await sequences(world, "last_sequence")).items():
        world.forgotten[partition].update(range(above[partition] + 1, last + 1))
