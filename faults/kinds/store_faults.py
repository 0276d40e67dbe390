"""Faults of PostgreSQL and Kafka: killed or frozen servers, lost connections, repeated or removed records."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Literal

import asyncpg

from aggregator.domain.event_fold import PARTITIONS
from faults.fault import Fault, Inject
from faults.running_system.system_under_test import SystemUnderTest
from tests.support.commit_proxy import CommitCut

DOWN_S: Final = 3.0
FROZEN_S: Final = 7.0
EXHAUSTED_S: Final = 4.0
CUT_S_MAX: Final = 10.0
CUTS: Final = 5
CONNECTIONS_MAX: Final = 500
UNREAD_S: Final = 1.5
REWIND_EVENTS: Final = 10
REWIND: Final = "update registration.partition set published = greatest(published - $1, 0)"


def store_faults(brokers: int) -> Iterator[Fault]:
    """Yield every fault of the database and of the brokers."""
    database, kafka = frozenset({"database"}), frozenset({"kafka"})
    yield Fault("PostgreSQL stopped hard", "PostgreSQL stopped hard", _crash_database, database)
    yield Fault("connections terminated", "all connections terminated", _terminate_connections, database)
    yield Fault("connections exhausted", "all connections in use", _exhaust_connections, database)
    for cut in CommitCut:
        yield Fault(
            "ambiguous commit",
            f"connection cut at COMMIT: {cut.value}",
            cut_at_commit(cut),
            database | {"api"},
            breaks=frozenset({"api"}),
        )
    for node in range(1, brokers + 1):
        yield Fault("broker killed", f"kill -9 of broker {node}", _kill_broker(node), kafka)
        yield Fault("broker frozen", f"broker {node} frozen", _freeze_broker(node), kafka)
    if brokers > 1:
        yield Fault("all brokers killed", "kill -9 of every broker", _kill_all_brokers, kafka)
    yield Fault(
        "events sent again",
        "relay rewound while the workers are suspended",
        rewind_relay,
        database | {"relay", "worker"},
        breaks=frozenset({"worker"}),
    )
    yield Fault(
        "topic truncated",
        "event topic truncated",
        truncate_topic,
        database | kafka | {"worker"},
        breaks=kafka | {"worker"},
    )


async def _crash_database(system: SystemUnderTest, _: random.Random) -> int:
    await asyncio.to_thread(system.server.crash)
    await asyncio.sleep(DOWN_S)
    await asyncio.to_thread(system.server.restart)
    return 1


async def _terminate_connections(system: SystemUnderTest, _: random.Random) -> int:
    connection = await asyncpg.connect(**system.databases.admin.asyncpg_options())
    try:
        for _attempt in range(5):
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where backend_type = 'client backend' and pid <> pg_backend_pid()"
            )
            await asyncio.sleep(0.3)
    finally:
        await connection.close()
    return 0


async def _exhaust_connections(system: SystemUnderTest, rng: random.Random) -> int:
    """Terminate the services' connections, then open connections until the server refuses another one."""
    await _terminate_connections(system, rng)
    async with AsyncExitStack() as opened:
        for _ in range(CONNECTIONS_MAX):
            connection = await _connect_if_possible(system)
            if connection is None:
                await asyncio.sleep(EXHAUSTED_S)
                break
            opened.callback(connection.terminate)
    return 0


async def _connect_if_possible(system: SystemUnderTest) -> asyncpg.Connection[asyncpg.Record] | None:
    try:
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            **system.databases.registration.asyncpg_options()
        )
    except asyncpg.TooManyConnectionsError:
        return None
    return connection


def cut_at_commit(cut: CommitCut) -> Inject:
    """Cut the connection between an API and PostgreSQL at COMMIT, several times."""

    async def inject(system: SystemUnderTest, _: random.Random) -> int:
        before = system.commit_proxy.cuts
        for cut_number in range(CUTS):
            system.commit_proxy.cut = cut
            for _poll in range(int(CUT_S_MAX / CUTS / 0.1)):
                if system.commit_proxy.cuts > before + cut_number:
                    break
                await asyncio.sleep(0.1)
        system.commit_proxy.cut = None
        return 0

    return inject


def _kill_broker(node: int) -> Inject:
    async def inject(system: SystemUnderTest, _: random.Random) -> int:
        broker = system.cluster.brokers[node - 1]
        broker.kill()
        await asyncio.sleep(DOWN_S)
        await broker.restart()
        return 1

    return inject


async def _kill_all_brokers(system: SystemUnderTest, _: random.Random) -> int:
    for broker in system.cluster.brokers:
        broker.kill()
    await asyncio.sleep(DOWN_S)
    await asyncio.gather(*(broker.restart() for broker in system.cluster.brokers))
    return len(system.cluster.brokers)


def _freeze_broker(node: int) -> Inject:
    async def inject(system: SystemUnderTest, _: random.Random) -> int:
        broker = system.cluster.brokers[node - 1]
        broker.pause()
        try:
            await asyncio.sleep(FROZEN_S)
        finally:
            broker.resume()
        return 0

    return inject


async def truncate_topic(system: SystemUnderTest, _: random.Random) -> int:
    """Delete every record of the event topic while the workers are suspended.

    Afterwards the relay must send once more every event that is not counted yet.
    """
    async with _workers_suspended(system):
        await system.topics.empty("participant-events", PARTITIONS)
        await record_removed(system, dict.fromkeys(range(PARTITIONS), 0))
        system.resent_max += sum((await read_sequences(system, "last_sequence")).values())
    return 0


async def rewind_relay(system: SystemUnderTest, _: random.Random) -> int:
    """Rewind the relay while the workers are suspended, so that one fetch contains the same events twice."""
    async with _workers_suspended(system):
        connection = await asyncpg.connect(**system.databases.admin.asyncpg_options())
        try:
            await connection.execute(REWIND, REWIND_EVENTS)
            system.resent_max += REWIND_EVENTS * PARTITIONS
        finally:
            await connection.close()
        await asyncio.sleep(UNREAD_S)
    return 0


@asynccontextmanager
async def _workers_suspended(system: SystemUnderTest) -> AsyncIterator[None]:
    """Suspend the workers while the block runs. It begins when there are events to read."""
    pids = {name: system.stack.pid(name) for name in ("worker", "worker-2")}
    for name in pids:
        system.stack.suspend(name)
    try:
        await asyncio.sleep(UNREAD_S)
        yield
    finally:
        for name, pid in pids.items():
            if system.stack.pid(name) == pid:
                system.stack.resume(name)


async def read_sequences(
    system: SystemUnderTest, column: Literal["last_sequence", "published"]
) -> dict[int, int]:
    """Return each partition's last sequence; `column` selects the last assigned or the last published one."""
    connection = await asyncpg.connect(**system.databases.admin.asyncpg_options())
    try:
        rows = await connection.fetch(f"select partition, {column} from registration.partition")
    finally:
        await connection.close()
    return {row[0]: row[1] for row in rows}


async def record_removed(system: SystemUnderTest, above: Mapping[int, int]) -> None:
    """Note that the topic may lack, in each partition, the events with sequences above `above[partition]`."""
    for partition, last in (await read_sequences(system, "last_sequence")).items():
        system.removed[partition].update(range(above[partition] + 1, last + 1))
