"""A full disk, and operations under load: moved leaders, a rebuild, Kafka restored from an older copy."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import asyncpg

from deploy.local.one_shot_commands import CommandError
from deploy.topics import read_topics
from faults.fault import Fault, Inject
from faults.kinds.store_faults import read_sequences, record_removed
from faults.observation.recovery_probe import DATABASE_UNAVAILABLE
from faults.running_system.system_under_test import SystemUnderTest
from settings.contract_files import contract_path
from tests.support.failpoint_names import REBUILD
from tests.support.leader_reassignment import move_leaders

DISK_FULL_S: Final = 5.0
WAL_SEGMENTS: Final = 3
COPY_AGE_S: Final = 5.0
MISSING_EVENTS: Final = "lacks sequence"
"""Part of a rebuild's error message if the topic lacks events up to the live positions."""
KILLED: Final = f"ended with {-signal.SIGKILL}"
LARGE: Final = "create table public.large as select repeat('x', 1000) from generate_series(1, 1000)"


def operator_faults(system: SystemUnderTest) -> Iterator[Fault]:
    """Yield the faults of this module that this machine and this number of brokers allow."""
    database, kafka = frozenset({"database"}), frozenset({"kafka"})
    counts = kafka | database | {"worker"}
    if system.disk is not None:
        yield Fault("disk full", "disk of PostgreSQL full", _fill_disk(fill_wal=False), database)
        yield Fault(
            "disk full", "disk of PostgreSQL full, no room for its WAL", _fill_disk(fill_wal=True), database
        )
    if len(system.cluster.brokers) > 1:
        yield Fault("leaders moved", "leaders of all partitions moved", _move_leaders, kafka)
    else:
        # Only with one broker: in a cluster an older copy lowers Kafka's leader epochs, and clients reject
        # a leader with a lower epoch.
        yield Fault(
            "Kafka restored", "Kafka restored from an older copy", _restore_kafka, counts, breaks=kafka
        )
    yield Fault("rebuild", "rebuild of the counts", _rebuild(), counts, breaks=frozenset())
    for point in REBUILD:
        yield Fault("rebuild", f"rebuild killed at {point}", _rebuild(point), counts, breaks=frozenset())


def _fill_disk(*, fill_wal: bool) -> Inject:
    async def inject(system: SystemUnderTest, _: random.Random) -> int:
        """Fill PostgreSQL's disk for DISK_FULL_S.

        Without room for its WAL, PostgreSQL stops by itself. It is then restarted after the disk is freed.
        """
        assert system.disk is not None, "this fault needs a disk of its own"
        await asyncio.to_thread(system.disk.fill)
        try:
            await _check_disk_is_full(system)
            if fill_wal:
                await _fill_wal(system)
            await asyncio.sleep(DISK_FULL_S)
        finally:
            system.disk.free()
        if system.server.is_running():
            await asyncio.to_thread(system.server.wait_ready)
        if not system.server.is_running():
            await asyncio.to_thread(system.server.restart)
        return 0

    return inject


async def _check_disk_is_full(system: SystemUnderTest) -> None:
    """Raise AssertionError if a megabyte can still be stored, because the disk is then not full."""
    with suppress(*DATABASE_UNAVAILABLE):
        connection = await asyncpg.connect(**system.databases.admin.asyncpg_options(), timeout=5)
        try:
            await connection.execute(LARGE)
        finally:
            connection.terminate()
        raise AssertionError("the disk is not full")


async def _fill_wal(system: SystemUnderTest) -> None:
    """Switch to new WAL segments until the disk has no room for another segment."""
    with suppress(*DATABASE_UNAVAILABLE):
        connection = await asyncpg.connect(**system.databases.admin.asyncpg_options(), timeout=2)
        try:
            for _ in range(WAL_SEGMENTS):
                await connection.execute(
                    "select pg_logical_emit_message(false, 'fault', 'x'), pg_switch_wal()"
                )
        finally:
            connection.terminate()


async def _move_leaders(system: SystemUnderTest, _: random.Random) -> int:
    topics = [system.topics.name(topic.name) for topic in read_topics(contract_path("topics.yaml"))]
    await move_leaders(system.topics.bootstrap_servers, topics)
    return 0


def _rebuild(crash_at: str | None = None) -> Inject:
    async def inject(system: SystemUnderTest, _: random.Random) -> int:
        """Rebuild the counts from the topic.

        It may fail because a fault removed records, or by its kill at `crash_at`. Other errors are raised.
        """
        env = {"AGGREGATOR_CRASH_AT": f"{crash_at}:1"} if crash_at else {}
        try:
            await system.stack.command("aggregator", "rebuild", env=env)
        except CommandError as error:
            is_refused = any(system.removed.values()) and MISSING_EVENTS in str(error)
            is_killed = crash_at is not None and KILLED in str(error)
            if not (is_refused or is_killed):
                raise
            return int(is_killed)
        return 0

    return inject


async def _restore_kafka(system: SystemUnderTest, _: random.Random) -> int:
    """Restore Kafka from a copy that is COPY_AGE_S old, so that the newest records of all topics are lost."""
    (broker,) = system.cluster.brokers
    published = await read_sequences(system, "published")
    broker.kill()
    await asyncio.to_thread(broker.store_copy)
    await broker.restart()
    await asyncio.sleep(COPY_AGE_S)
    broker.kill()
    await asyncio.to_thread(broker.restore_copy)
    await record_removed(system, above=published)
    system.resent_max += sum((await read_sequences(system, "last_sequence")).values()) - sum(
        published.values()
    )
    await broker.restart()
    return 2
