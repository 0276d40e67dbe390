"""Counts the whole topic again in a second set beside the live one, and swaps the two in one transaction.

Crash points: `rebuild.before_swap`, `rebuild.after_swap`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from aggregator.decoding.decoder import Decode, decode_events
from aggregator.domain.counting import Quarantined, roll_up
from aggregator.event_log import EventLog
from aggregator.metrics import REBUILDS
from aggregator.tallies.batch_counter import MINUTES_KEPT
from aggregator.tallies.postgres_tally_store import QUERIES, PostgresTallyStore
from aggregator.tallies.tally_store import PartitionPosition, PositionMove
from outbox.postgres_leases import RENEW_EVERY_S, Lease
from telemetry.failpoints import failpoint
from telemetry.logs import get

if TYPE_CHECKING:
    import asyncpg

    from aggregator.tallies.postgres_tally_store import Connection

log = get()

REBUILD_LEASE: Final = "rebuild"
LOOK_EVERY_S: Final = 0.2
NEARLY_EVENTS_MAX: Final = 20_000
"""So near to the live positions the swap is tried: workers are held up while the rest is counted."""
HELD_UP_S_MAX: Final = 1.5
"""Below the time after which the server frees the locks of a sleeping client."""
STANDING_S_MAX: Final = 30.0


class RebuildImpossibleError(RuntimeError):
    """The topic does not lead to the live positions: an event is missing in it. Nothing was changed."""


class RebuildSupersededError(RuntimeError):
    """Another rebuild began or ended meanwhile. Nothing was changed."""


@dataclass(slots=True)
class ShadowTallies:
    """The set under construction."""

    set_id: int
    live_set_id: int
    live_epoch: int
    epoch: int
    places: dict[int, PartitionPosition]
    set_aside: dict[int, set[int]] = field(default_factory=dict)
    quarantined: list[tuple[int, Quarantined]] = field(default_factory=list)
    counted: int = 0

    @property
    def accepts_lower(self) -> bool:
        """Whether sequences were handed out anew, so that the live positions mean nothing."""
        return self.epoch > self.live_epoch

    def behind(self, positions: Mapping[int, int]) -> int:
        """How many events lie between this set's positions and the given ones."""
        return sum(max(0, sequence - self.places[one].sequence) for one, sequence in positions.items())


class Rebuild:
    """One rebuild; `run` ends when the new set is live."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        topic: EventLog,
        lease: Lease,
        decode: Decode = decode_events,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._decode = decode
        self._pool = pool
        self._topic = topic
        self._lease = lease
        self._clock = clock
        self._tallies = PostgresTallyStore(pool)

    async def run(self, epoch: int | None = None) -> int:
        """Count and swap; the number of events counted. A higher `epoch` accepts lower positions.

        Raises RebuildImpossibleError or RebuildSupersededError; the live set is then as it was.
        """
        if await self._lease.renew() is None:
            raise RebuildSupersededError("another rebuild is under way")
        building = await self._begin(epoch)
        renewing = asyncio.ensure_future(self._keep_lease())
        try:
            async with self._topic.opened():
                await self._count_until_swapped(building)
        except BaseException:
            await QUERIES.abandon_rebuild(self._pool, building=building.set_id)
            REBUILDS.labels("abandoned").inc()
            raise
        finally:
            renewing.cancel()
            await self._lease.release()
        REBUILDS.labels("swapped").inc()
        return building.counted

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            await self._lease.renew()

    async def _begin(self, epoch: int | None) -> ShadowTallies:
        row = await QUERIES.begin_rebuild(self._pool)
        places = {
            one["partition"]: PartitionPosition(row["building"], 0, 0)
            async for one in QUERIES.positions_of(self._pool, set_id=row["set_id"])
        }
        log.info("rebuild begins", set_id=row["building"], beside=row["set_id"], epoch=epoch or row["epoch"])
        return ShadowTallies(row["building"], row["set_id"], row["epoch"], epoch or row["epoch"], places)

    async def _count_until_swapped(self, building: ShadowTallies) -> None:
        moved_at = looked_at = self._clock()
        await self._load_set_aside(building)
        while True:
            if await self._count_some(building):
                moved_at = self._clock()
            if self._clock() - looked_at < LOOK_EVERY_S:
                continue
            looked_at = self._clock()
            await self._load_set_aside(building)
            if await self._is_near(building) and await self._swap(building):
                return
            if looked_at - moved_at > STANDING_S_MAX:
                raise RebuildImpossibleError(await self._what_lacks(building))

    async def _load_set_aside(self, building: ShadowTallies) -> None:
        building.set_aside = {}
        async for row in QUERIES.set_aside(self._pool, epoch=building.epoch):
            building.set_aside.setdefault(row["partition"], set()).add(row["event_sequence"])

    async def _count_some(self, building: ShadowTallies) -> bool:
        """Fetch once and count what came; whether a position moved."""
        fetched = await self._topic.fetch()
        moves: dict[int, PositionMove] = {}
        for partition, place in building.places.items():
            batch = self._decode(fetched.get(partition, ()), partition)
            outcome = batch.fold(place.sequence, building.set_aside.get(partition, ()))
            if outcome.moved:
                moves[partition] = PositionMove(place, outcome)
        if not moves:
            return False
        sums = roll_up((move.fold for move in moves.values()), datetime.now(UTC) - MINUTES_KEPT)
        # The quarantine is the live set's until the swap.
        bare = {one: replace(move, fold=replace(move.fold, quarantined=())) for one, move in moves.items()}
        if not await self._tallies.count(bare, sums):
            raise RebuildSupersededError("somebody else counts in the new set")
        for partition, move in moves.items():
            building.quarantined += [(partition, bad) for bad in move.fold.quarantined]
            building.counted += move.fold.counted
            building.places[partition] = move.reached
        return True

    async def _is_near(self, building: ShadowTallies) -> bool:
        if building.accepts_lower:
            return await self._topic.at_end()
        live = await self._positions(building.live_set_id)
        return building.behind(live) <= NEARLY_EVENTS_MAX

    async def _positions(self, set_id: int) -> dict[int, int]:
        rows = QUERIES.positions_of(self._pool, set_id=set_id)
        return {row["partition"]: row["sequence"] async for row in rows}

    async def _swap(self, building: ShadowTallies) -> bool:
        """Swap, in one transaction that holds the workers up; False where the rest took too long to count."""
        failpoint("rebuild.before_swap")
        async with self._pool.acquire() as connection, connection.transaction():
            live = await QUERIES.lock_live(connection, set_id=building.live_set_id, building=building.set_id)
            if live is None or live["epoch"] != building.live_epoch:
                raise RebuildSupersededError("another rebuild began or ended meanwhile")
            rows = QUERIES.lock_positions(connection, set_id=building.live_set_id)
            positions = {row["partition"]: row["sequence"] async for row in rows}
            if not building.accepts_lower and not await self._reach(building, positions):
                return False
            await _finish(connection, building)
        failpoint("rebuild.after_swap")
        log.info("rebuild swapped", set_id=building.set_id, events=building.counted, epoch=building.epoch)
        return True

    async def _reach(self, building: ShadowTallies, positions: Mapping[int, int]) -> bool:
        deadline = self._clock() + HELD_UP_S_MAX
        while building.behind(positions):
            if self._clock() > deadline:
                return False
            await self._count_some(building)
        return True

    async def _what_lacks(self, building: ShadowTallies) -> str:
        live = await self._positions(building.live_set_id)
        lacking = [
            f"partition {one} lacks sequence {building.places[one].sequence + 1}"
            for one, sequence in live.items()
            if building.places[one].sequence < sequence
        ]
        return "; ".join(lacking) or "the live positions were never reached"


async def _finish(connection: Connection, building: ShadowTallies) -> None:
    await QUERIES.keep_rebuilt_quarantine(
        connection,
        epoch=building.epoch,
        partitions=[partition for partition, _ in building.quarantined],
        offsets=[bad.offset for _, bad in building.quarantined],
        sequences=[bad.sequence for _, bad in building.quarantined],
        reasons=[bad.reason.value for _, bad in building.quarantined],
    )
    await QUERIES.add_applied(connection, set_id=building.set_id, epoch=building.epoch)
    await QUERIES.add_applied_minutes(
        connection, set_id=building.set_id, epoch=building.epoch, oldest=datetime.now(UTC) - MINUTES_KEPT
    )
    await QUERIES.swap(
        connection, set_id=building.live_set_id, building=building.set_id, epoch=building.epoch
    )
