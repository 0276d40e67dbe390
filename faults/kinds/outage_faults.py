"""Long outages: a part that is away for minutes, two zombies of three workers, a recovery without a relay."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Final

import asyncpg

from deploy.local.one_shot_commands import CommandError
from faults.fault import Fault, Inject
from faults.kinds.process_faults import instances
from faults.kinds.store_faults import read_sequences
from faults.running_system.system_under_test import SystemUnderTest
from tests.support.deadlines import until

ZOMBIE_S: Final = 9.0
"""Longer than a Kafka consumer's session (6 s), so that the third worker takes all partitions over."""
TOGETHER_S: Final = 3.0
NO_RELAY: Final = "Waiting for a relay: none runs"
RECOVER: Final = ("registration", "recover", "--yes", "--wait-s", "5")
COUNTED_S_MAX: Final = 120.0
IS_COUNTED: Final = "select live.epoch = register.epoch from aggregator.live, registration.register"


def outage_faults() -> Iterator[Fault]:
    """Yield every fault of this module."""
    database, kafka = frozenset({"database"}), frozenset({"kafka"})
    yield Fault("workers away for long", "workers away for long", workers_away(), frozenset({"worker"}))
    yield Fault(
        "PostgreSQL away for long",
        "PostgreSQL away for long, under a supervisor that backs off",
        _database_away,
        database | kafka,
    )
    yield Fault(
        "two zombies of three workers", "two zombies of three workers", _zombies, frozenset({"worker"})
    )
    yield Fault(
        "recovery without a relay",
        "recovery while no relay runs",
        recover_without_relay,
        database | kafka | {"relay", "worker", "publisher", "audit"},
        breaks=frozenset({"relay"}),
    )


def workers_away(away_s: float | None = None) -> Inject:
    """Let no worker run, by default for a long time. Meanwhile events gather in the topic."""

    async def inject(system: SystemUnderTest, _: random.Random) -> int:
        async with system.stack.held_down(*instances("worker")):
            await asyncio.sleep(away_s or system.long_outage_s)
        return len(instances("worker"))

    return inject


async def _database_away(system: SystemUnderTest, _: random.Random) -> int:
    """Stop PostgreSQL for a long time. Processes that end are restarted after 10, 20, 40 … s."""
    system.stack.backs_off = True
    try:
        await asyncio.to_thread(system.server.crash)
        await asyncio.sleep(system.long_outage_s)
        await asyncio.to_thread(system.server.restart)
    finally:
        system.stack.backs_off = False
    return 1


async def _zombies(system: SystemUnderTest, _: random.Random) -> int:
    """Suspend two of three workers until the third has their partitions. Resume both, and end the third."""
    stack, zombies, third = system.stack, instances("worker"), "worker-3"
    await stack.start(third)
    pids = {name: stack.pid(name) for name in zombies}
    for name in zombies:
        stack.suspend(name)
    try:
        await asyncio.sleep(ZOMBIE_S)
    finally:
        for name, pid in pids.items():
            if stack.pid(name) == pid:
                stack.resume(name)
    await asyncio.sleep(TOGETHER_S)
    stack.kill(third)
    return 1


async def recover_without_relay(system: SystemUnderTest, _: random.Random) -> int:
    """Begin a new epoch of the register while no relay runs, then wait until the epoch is counted."""
    async with system.stack.held_down(*instances("relay")):
        try:
            await system.stack.command(*RECOVER)
        except CommandError as error:
            if NO_RELAY not in str(error):
                raise
        else:
            raise AssertionError("the recovery ended although no relay ran")
        system.resent_max += sum((await read_sequences(system, "last_sequence")).values())
    await wait_until_epoch_is_counted(system)
    return len(instances("relay"))


async def wait_until_epoch_is_counted(system: SystemUnderTest) -> None:
    """Wait until the counts are those of the register's epoch."""
    connection = await asyncpg.connect(**system.databases.admin.asyncpg_options())
    try:
        await until(lambda: connection.fetchval(IS_COUNTED), COUNTED_S_MAX, name="the new epoch is counted")
    finally:
        await connection.close()
