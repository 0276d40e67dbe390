"""Fail-overs of PostgreSQL: to a synchronous standby, and to one that lacks the newest published events."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

import asyncpg

from faults.fault import Fault, Inject
from faults.kinds.outage_faults import wait_until_epoch_is_counted
from faults.kinds.process_faults import instances
from faults.kinds.store_faults import read_sequences
from faults.observation.recovery_probe import DATABASE_UNAVAILABLE
from faults.running_system.system_under_test import SystemUnderTest
from tests.support.cancelled_commits import cancel_commits
from tests.support.deadlines import until
from tests.support.postgres_server import STANDBY
from tests.support.registration.register_writer import Register

SYNCHRONOUS_S: Final = 2.0
AWAY_S: Final = 2.5
"""Long enough for a relay to publish what it sees: it leads for up to 3 s without PostgreSQL."""
CANCELLED_S_MAX: Final = 10.0
LOST_EVENTS: Final = 24
PUBLISHED_S_MAX: Final = 60.0
REFUSED_S_MAX: Final = 60.0
RECOVER: Final = ("registration", "recover", "--yes", "--wait-s", "0")
KEPT: Final = (*instances("relay"), "audit", *instances("board"))
"""The processes that run while events are lost. So no count, milestone or answer contains these events."""


def fail_over_faults(names: Sequence[str]) -> Iterator[Fault]:
    """Yield the faults of this module for a system with these processes."""
    database = frozenset({"database"})
    yield Fault(
        "fail-over to a synchronous standby",
        "fail-over to a synchronous standby, after a COMMIT that was cancelled while it was away",
        fail_over_synchronously,
        database | {"api", "relay"},
    )
    counting = tuple(name for name in names if name not in KEPT and name not in instances("api"))
    yield Fault(
        "fail-over to a standby without the last events",
        "fail-over to a standby without the last events, then recover",
        _fail_over_without_the_last_events(counting),
        database | {"kafka", "api", "relay", "worker", "publisher", "audit", "notifier"},
    )


async def fail_over_synchronously(system: SystemUnderTest, _: random.Random) -> int:
    """Stop the synchronous standby, cancel the commits of the APIs that wait for it, and promote it.

    The cancelled transactions are visible until the fail-over loses them. Until then, no API may confirm them
    and no relay may publish them.
    """
    server = system.server
    await asyncio.to_thread(server.start_standby)
    try:
        await asyncio.to_thread(server.require_a_standby, STANDBY)
        await asyncio.sleep(SYNCHRONOUS_S)
        await asyncio.to_thread(server.stop_standby)
        await cancel_commits(system.databases.admin, "registration writer", "commit%", CANCELLED_S_MAX)
        await asyncio.sleep(AWAY_S)
    finally:
        await asyncio.to_thread(server.stop_standby)
        await asyncio.to_thread(server.fail_over)
    return 2


def _fail_over_without_the_last_events(counting: Sequence[str]) -> Inject:
    async def inject(system: SystemUnderTest, _: random.Random) -> int:
        """Publish events that the standby lacks, promote it, wait for the relay's refusal, and recover.

        The processes `counting` and the APIs are down while these events exist. Intake continues before the
        recovery, with sequences that the lost events had.
        """
        server = system.server
        await asyncio.to_thread(server.start_standby)
        async with system.stack.held_down(*counting):
            async with system.stack.held_down(*instances("api")):
                await asyncio.to_thread(server.wait_for_standby)
                await asyncio.to_thread(server.stop_standby)
                await _publish_events(system)
                await asyncio.to_thread(server.fail_over)
            await until(lambda: _is_refused(system), REFUSED_S_MAX, name="the relay refuses")
            await system.stack.command(*RECOVER)
            system.resent_max += LOST_EVENTS + sum((await read_sequences(system, "last_sequence")).values())
        await wait_until_epoch_is_counted(system)
        return len(counting) + len(instances("api")) + 2

    return inject


async def _publish_events(system: SystemUnderTest) -> None:
    """Write events, and wait until the relay has published them."""
    pool: asyncpg.Pool[Any] = await asyncpg.create_pool(
        **system.databases.registration.asyncpg_options(), min_size=1, max_size=1
    )
    try:
        register = Register(pool)
        await register.write_events(LOST_EVENTS)

        async def all_are_published() -> bool:
            return await register.published() == await register.last_sequences()

        await until(all_are_published, PUBLISHED_S_MAX, name="the last events are published")
    finally:
        pool.terminate()


async def _is_refused(system: SystemUnderTest) -> bool:
    """Return whether the relay has stored a reason not to publish."""
    try:
        connection = await asyncpg.connect(**system.databases.admin.asyncpg_options())
        try:
            return await connection.fetchval("select refused from registration.register") is not None
        finally:
            await connection.close()
    except DATABASE_UNAVAILABLE:
        return False
