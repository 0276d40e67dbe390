"""Takes fetched batches: folds them from the stored position, stores both, asks for one seek per gap.

Crash points: `worker.before_store`, `worker.after_store`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TypeVar

from aggregator.counting import Fold, fold
from aggregator.events import Placed, Record, Stray, read_batch
from aggregator.metrics import BATCHES, COUNTED, PASSED, QUARANTINED, SEEKS, STORE_RETRIES, STORE_SECONDS
from aggregator.tallies import Place, Tallies
from telemetry.crashpoints import crashpoint
from telemetry.logs import get

T = TypeVar("T")
log = get()

MINUTES_KEPT = timedelta(hours=48)
RETRY_DELAY_S_MIN = 0.1
RETRY_DELAY_S_MAX = 5.0


class Outcome(Enum):
    """What became of a batch."""

    COUNTED = "counted"
    NOTHING_NEXT = "nothing_next"
    GAP = "gap"


class PositionMissing(RuntimeError):
    """A partition has no row in `position`: the topic has more than the schema, or a migration is missing."""


class StoreFailing(RuntimeError):
    """Storing has failed for too long; the process ends, and its successor starts from what is stored."""


class Taker:
    """Counts the batches of the partitions it is handed; holds where each stands."""

    def __init__(
        self,
        tallies: Tallies,
        seek: Callable[[int, int], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._tallies = tallies
        self._seek = seek
        self._now = now
        self._places: dict[int, Place] = {}
        self._sought: dict[int, Place] = {}
        self._noted: dict[int, tuple[Place, int]] = {}

    async def load(self) -> Mapping[int, int]:
        """Read where every partition stands; the offsets to read on from."""
        self._places = dict(await self._tallies.places())
        return {partition: place.offset for partition, place in self._places.items()}

    async def take(self, partition: int, records: Iterable[Record]) -> Outcome:
        """Count what is next in a batch. May be called again with the same batch after any failure."""
        events, strays = read_batch(records, partition)
        if strays:
            await self._keep(partition, strays)
        outcome = await self._count(partition, events)
        if outcome.gap is not None:
            await self._meet_gap(partition, outcome.gap)
        PASSED.inc(outcome.passed)
        result = Outcome.GAP if outcome.gap else Outcome.COUNTED if outcome.moved else Outcome.NOTHING_NEXT
        BATCHES.labels(result.value).inc()
        return result

    async def _count(self, partition: int, events: Sequence[Placed]) -> Fold:
        place = self._places.get(partition) or await self._read(partition)
        while True:
            outcome = fold(place.sequence, events, oldest_minute=self._now() - MINUTES_KEPT)
            if outcome.moved and await self._store(partition, place, outcome):
                offset = outcome.next_offset
                self._places[partition] = replace(
                    place, sequence=outcome.last, offset=place.offset if offset is None else offset
                )
                return outcome
            # Repeats, a gap, or a position that moved under us: by another worker, a skip, or a rebuild,
            # which after a restored register may also have lowered it.
            fresh = await self._read(partition)
            if fresh == place and not outcome.moved:
                return outcome
            place = fresh

    async def _read(self, partition: int) -> Place:
        places = await self._tallies.places()
        if partition not in places:
            raise PositionMissing(f"partition {partition} has no position")
        self._places[partition] = places[partition]
        return places[partition]

    async def _store(self, partition: int, place: Place, outcome: Fold) -> bool:
        crashpoint("worker.before_store")
        with STORE_SECONDS.time():
            moved = await self._tallies.count(partition, place, outcome)
        crashpoint("worker.after_store")
        if moved:
            COUNTED.inc(outcome.counted)
            for bad in outcome.quarantined:
                QUARANTINED.labels(bad.reason.value).inc()
                log.warning(
                    "event quarantined", partition=partition, sequence=bad.sequence, reason=bad.reason.value
                )
        return moved

    async def _keep(self, partition: int, strays: Sequence[Stray]) -> None:
        await self._tallies.keep_strays(partition, strays)
        for stray in strays:
            QUARANTINED.labels(stray.reason.value).inc()
            log.warning(
                "record without a place", partition=partition, offset=stray.offset, reason=stray.reason.value
            )

    async def _meet_gap(self, partition: int, seen: int) -> None:
        """Name the gap, and read again from the stored offset: once, as what is sent again lies ahead."""
        place = self._places[partition]
        if self._noted.get(partition) != (place, seen):
            await self._tallies.note_gap(partition, place, seen)
            self._noted[partition] = (place, seen)
        if self._sought.get(partition) != place:
            self._sought[partition] = place
            SEEKS.inc()
            log.warning("gap", partition=partition, expected=place.sequence + 1, seen=seen)
            self._seek(partition, place.offset)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on trying, by which clock."""

    failing_s_max: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


async def persistently(action: Callable[[], Awaitable[T]], patience: Patience) -> T:
    """Do it until it succeeds, with a bounded back-off: a batch whose agent raises is lost for good.

    Raises StoreFailing once `failing_s_max` seconds have gone by.
    """
    delay_s = RETRY_DELAY_S_MIN
    failing_since: float | None = None
    while True:
        try:
            return await action()
        except Exception as error:  # the agent's edge: whatever it is, the batch is kept
            now = patience.clock()
            failing_since = now if failing_since is None else failing_since
            if now - failing_since > patience.failing_s_max:
                raise StoreFailing(
                    f"no success for {patience.failing_s_max:.0f} s: {type(error).__name__}"
                ) from error
            STORE_RETRIES.inc()
            log.warning("store failed", error=type(error).__name__, reason=str(error)[:300], retry_s=delay_s)
            await patience.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_DELAY_S_MAX)
