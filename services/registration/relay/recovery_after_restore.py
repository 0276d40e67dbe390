"""Recovers after a restore of the register from a backup.

A recovery empties the topic, so that the relay publishes every event again and the aggregator counts every
event again. An interrupted recovery is safe to repeat, because of the order of its steps:

1. Seize the relay's lease, so that no relay publishes during the recovery.
2. Reset the published positions to 0, and store a reason for which the relay refuses to publish.
3. Empty the topic.
4. Raise the register's epoch above every epoch that it or the aggregator has had: a restored register may
   have forgotten an earlier recovery. Because of the new epoch, the aggregator counts again from the start
   and accepts positions lower than its own. The topic must be empty before this step, or the aggregator would
   count the old events in the new epoch.

If `recover` is interrupted, run it again. After an interruption in step 1, the relay may go on publishing if
the topic matches the register. After an interruption in a later step, it refuses to publish.

Failpoints: `recover.after_seize`, `recover.after_rewind`, `recover.after_emptying`,
`recover.after_epoch`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg

from outbox.postgres_leases import new_holder
from registration.relay.outbox_source import LEASE, RECOVERY_UNFINISHED
from registration.relay.recovery_progress import NewEpoch
from registration.store.register_rows import QUERIES
from telemetry.failpoints import failpoint
from telemetry.logs import get

log = get()

RECOVERY_S_MAX: Final = 50.0
LEASE_S: Final = 60.0
"""Longer than RECOVERY_S_MAX, so that the lease does not end, and no relay publishes, during the recovery."""


async def recover(
    pool: asyncpg.Pool[Any],
    published_epoch: Callable[[], Awaitable[int]],
    empty_topic: Callable[[], Awaitable[None]],
) -> NewEpoch:
    """Empty the topic, so that all events are published and counted again, and return the new epoch.

    `published_epoch` returns the highest epoch that other services know. Raises TimeoutError after
    RECOVERY_S_MAX seconds, or an error of Kafka or PostgreSQL. After an error, call this function again.
    """
    holder = new_holder()
    try:
        async with asyncio.timeout(RECOVERY_S_MAX):
            former = await published_epoch()
            return await _recover(pool, former, empty_topic, holder)
    finally:
        await QUERIES.recover_release_lease(pool, name=LEASE, holder=holder)


async def _recover(
    pool: asyncpg.Pool[Any], former: int, empty_topic: Callable[[], Awaitable[None]], holder: str
) -> NewEpoch:
    await QUERIES.recover_seize_lease(pool, name=LEASE, holder=holder, seconds=LEASE_S)
    failpoint("recover.after_seize")
    await QUERIES.recover_rewind(pool, reason=RECOVERY_UNFINISHED)
    failpoint("recover.after_rewind")
    await empty_topic()
    failpoint("recover.after_emptying")
    row = await QUERIES.recover_begin_epoch(pool, published=former)
    assert row is not None, "the first migration inserts the only row"
    failpoint("recover.after_epoch")
    log.info("register recovered", epoch=row["epoch"])
    return NewEpoch(row["epoch"], row["last_sequence"])
