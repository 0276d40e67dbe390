"""Counts the whole topic again into a shadow set, then replaces the live set in one transaction.

Failpoints: `rebuild.before_swap`, `rebuild.after_swap`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from aggregator.decoding.batch_decoder import Decode
from aggregator.domain.roll_up import roll_up
from aggregator.metrics import REBUILDS
from aggregator.rebuild.shadow_set import (
    RebuildImpossibleError,
    RebuildSupersededError,
    RegisterEpoch,
    ShadowSet,
)
from aggregator.rebuild.tally_set_queries import QUERIES
from aggregator.tallies.tally_store import PartitionPosition, PositionChange, TallyStore
from kafka.topic_reader import TopicReader
from outbox.leader import hold
from outbox.postgres_leases import Lease
from telemetry.failpoints import failpoint
from telemetry.logs import get

if TYPE_CHECKING:
    import asyncpg

    from aggregator.tallies.postgres_tally_store import Connection

log = get()

REBUILD_LEASE: Final = "rebuild"
CHECK_EVERY_S: Final = 0.2
POLL_S: Final = 0.2
SWAP_BEHIND_EVENTS_MAX: Final = 20_000
"""The rebuild tries to swap once it is at most this many events behind. Workers wait while it counts the
rest."""
WORKER_WAIT_S_MAX: Final = 1.5
"""How long a swap may block workers. The server releases an idle client's locks only after a longer time."""
NO_PROGRESS_S_MAX: Final = 30.0


class TallyRebuild:
    """One rebuild. `run` returns when the shadow set is live."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        tallies: TallyStore,
        open_topic: Callable[[], AbstractAsyncContextManager[TopicReader]],
        lease: Lease,
        decode: Decode,
    ) -> None:
        self._pool = pool
        self._tallies = tallies
        self._open_topic = open_topic
        self._lease = lease
        self._decode = decode

    async def run(self, register_epoch: RegisterEpoch | None = None) -> int:
        """Count the topic, swap the sets, and return the number of counted events.

        With a new epoch of the register, the new positions may be below the live positions. The swap then
        waits, without a limit, until the relay has published the events that the register had.
        Raises RebuildImpossibleError if the topic lacks an event of the live epoch. Raises
        RebuildSupersededError if another rebuild runs, began or ended. After either error the live set is
        unchanged.
        """
        if await self._lease.renew() is None:
            raise RebuildSupersededError("another rebuild is running")
        shadow = await self._begin(register_epoch)
        await hold(self._lease, self._build(shadow))
        return shadow.counted

    async def _build(self, shadow: ShadowSet) -> None:
        try:
            async with self._open_topic() as topic:
                await self._count_until_swapped(topic, shadow)
        except BaseException:
            await QUERIES.abandon_rebuild(self._pool, building=shadow.set_id)
            REBUILDS.labels("abandoned").inc()
            raise
        REBUILDS.labels("swapped").inc()

    async def _begin(self, register_epoch: RegisterEpoch | None) -> ShadowSet:
        row = await QUERIES.begin_rebuild(self._pool)
        live = await self._positions_of_set(row["set_id"])
        positions = {partition: PartitionPosition(row["building"], 0, 0) for partition in live}
        shadow = ShadowSet(row["building"], row["set_id"], row["epoch"], register_epoch, positions)
        log.info("rebuild started", set_id=shadow.set_id, live_set_id=shadow.live_set_id, epoch=shadow.epoch)
        return shadow

    async def _count_until_swapped(self, topic: TopicReader, shadow: ShadowSet) -> None:
        for partition, (first, _) in (await topic.bounds()).items():
            topic.seek(first, partition)
        progress_at = checked_at = time.monotonic()
        # In a new epoch the relay may need long for the last events, and workers must not wait meanwhile.
        behind_max = 0 if shadow.register_epoch else SWAP_BEHIND_EVENTS_MAX
        await self._load_settled(shadow)
        while True:
            if await self._count_once(topic, shadow):
                progress_at = time.monotonic()
            if time.monotonic() - checked_at < CHECK_EVERY_S:
                continue
            checked_at = time.monotonic()
            await self._load_settled(shadow)
            required = shadow.required(await self._positions_of_set(shadow.live_set_id))
            if shadow.behind(required) <= behind_max and await self._swap(topic, shadow):
                return
            if checked_at - progress_at > NO_PROGRESS_S_MAX:
                progress_at = checked_at
                _report_no_progress(shadow, shadow.missing(required))

    async def _load_settled(self, shadow: ShadowSet) -> None:
        shadow.settled = {}
        async for row in QUERIES.settled_sequences(self._pool, epoch=shadow.epoch):
            shadow.settled.setdefault(row["partition"], set()).add(row["event_sequence"])

    async def _count_once(self, topic: TopicReader, shadow: ShadowSet) -> bool:
        """Fetch once and count the records; return whether a position moved."""
        fetched = await topic.poll(POLL_S)
        changes: dict[int, PositionChange] = {}
        for partition, position in shadow.positions.items():
            batch = self._decode(fetched.get(partition, ()), partition)
            fold = batch.fold(position.sequence, shadow.settled.get(partition, ()))
            if fold.moved:
                changes[partition] = PositionChange(position, fold)
        if not changes:
            return False
        tally_changes = roll_up(change.fold for change in changes.values())
        # Store no quarantined events yet: until the swap the quarantine table belongs to the live set.
        unquarantined = {
            partition: replace(change, fold=replace(change.fold, quarantined=()))
            for partition, change in changes.items()
        }
        if not await self._tallies.count(unquarantined, tally_changes):
            raise RebuildSupersededError("another process counts in the new set")
        for partition, change in changes.items():
            shadow.quarantined += [(partition, bad) for bad in change.fold.quarantined]
            shadow.counted += change.fold.counted
            shadow.positions[partition] = change.after
        return True

    async def _positions_of_set(self, set_id: int) -> dict[int, int]:
        rows = QUERIES.positions_of_set(self._pool, set_id=set_id)
        return {row["partition"]: row["sequence"] async for row in rows}

    async def _swap(self, topic: TopicReader, shadow: ShadowSet) -> bool:
        """Swap the sets in a transaction that makes workers wait.

        While they wait, the events that the shadow set still lacks are counted. Returns False, without a
        swap, if that takes too long.
        """
        failpoint("rebuild.before_swap")
        async with self._pool.acquire() as connection, connection.transaction():
            live = await QUERIES.lock_live(connection, set_id=shadow.live_set_id, building=shadow.set_id)
            if live is None or live["epoch"] != shadow.live_epoch:
                raise RebuildSupersededError("another rebuild began or ended meanwhile")
            rows = QUERIES.lock_positions(connection, set_id=shadow.live_set_id)
            positions = {row["partition"]: row["sequence"] async for row in rows}
            if not await self._reach(topic, shadow, shadow.required(positions)):
                return False
            await _replace_live_set(connection, shadow)
        failpoint("rebuild.after_swap")
        log.info("rebuild swapped", set_id=shadow.set_id, events=shadow.counted, epoch=shadow.epoch)
        return True

    async def _reach(self, topic: TopicReader, shadow: ShadowSet, positions: Mapping[int, int]) -> bool:
        deadline = time.monotonic() + WORKER_WAIT_S_MAX
        while shadow.behind(positions):
            if time.monotonic() > deadline:
                return False
            await self._count_once(topic, shadow)
        return True


def _report_no_progress(shadow: ShadowSet, missing: str) -> None:
    """Raise RebuildImpossibleError, but only log it in a new epoch, whose events may not be published yet."""
    if shadow.register_epoch is None:
        raise RebuildImpossibleError(missing)
    log.warning("rebuild waits for events", epoch=shadow.epoch, missing=missing)


async def _replace_live_set(connection: Connection, shadow: ShadowSet) -> None:
    await QUERIES.insert_rebuilt_quarantine(
        connection,
        epoch=shadow.epoch,
        partitions=[partition for partition, _ in shadow.quarantined],
        offsets=[bad.offset for _, bad in shadow.quarantined],
        sequences=[bad.sequence for _, bad in shadow.quarantined],
        reasons=[bad.reason.value for _, bad in shadow.quarantined],
    )
    await QUERIES.add_applied_tallies(connection, set_id=shadow.set_id, epoch=shadow.epoch)
    await QUERIES.keep_peaks(connection, set_id=shadow.live_set_id, building=shadow.set_id)
    await QUERIES.swap_sets(connection, set_id=shadow.live_set_id, building=shadow.set_id, epoch=shadow.epoch)
