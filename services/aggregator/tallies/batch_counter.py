"""Takes what was fetched: folds it from the stored positions, stores both, asks for one seek per gap.

Crash points: `worker.before_store`, `worker.after_store`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final, TypeVar

from aggregator.decoding.decoder import Decode, DecodedBatch, decode_events
from aggregator.domain.counting import Fold, roll_up
from aggregator.domain.event import Record, StrayRecord
from aggregator.metrics import BATCHES, COUNTED, PASSED, QUARANTINED, SEEKS, STORE_RETRIES, STORE_SECONDS
from aggregator.tallies.tally_store import PartitionPosition, PositionMove, TallyStore
from telemetry.failpoints import failpoint
from telemetry.logs import get

T = TypeVar("T")
log = get()

MINUTES_KEPT: Final = timedelta(hours=48)
RETRY_DELAY_S_MIN: Final = 0.1
RETRY_DELAY_S_MAX: Final = 5.0


class CountOutcome(Enum):
    """What became of a batch."""

    COUNTED = "counted"
    NOTHING_NEXT = "nothing_next"
    GAP = "gap"


class PositionMissingError(RuntimeError):
    """A partition has no row in `position`: the topic has more than the schema, or a migration is missing."""


class StoreFailingError(RuntimeError):
    """Storing has failed for too long; the process ends, and its successor starts from what is stored."""


class BatchCounter:
    """Counts the batches of the partitions it is handed; holds where each stands."""

    def __init__(
        self,
        tallies: TallyStore,
        seek: Callable[[int, int], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        decode: Decode = decode_events,
    ) -> None:
        self._tallies = tallies
        self._seek = seek
        self._now = now
        self._decode = decode
        self._places: dict[int, PartitionPosition] = {}
        self._sought: dict[int, PartitionPosition] = {}
        self._noted: dict[int, tuple[PartitionPosition, int]] = {}

    async def load(self) -> Mapping[int, int]:
        """Read where every partition stands; the offsets to read on from."""
        self._places = dict(await self._tallies.places())
        return {partition: place.offset for partition, place in self._places.items()}

    async def take(self, fetched: Mapping[int, Collection[Record]]) -> Mapping[int, CountOutcome]:
        """Count what is next in the batch of each partition, all of it or nothing.

        May be called again with the same batches after any failure.
        """
        batches: dict[int, DecodedBatch] = {}
        for partition, records in fetched.items():
            batches[partition] = self._decode(records, partition)
            if strays := batches[partition].strays:
                await self._keep(partition, strays)
        folds = await self._count(batches)
        outcomes: dict[int, CountOutcome] = {}
        for partition, one in folds.items():
            if one.gap is not None:
                await self._meet_gap(partition, one.gap)
            PASSED.inc(one.passed)
            outcome = (
                CountOutcome.GAP
                if one.gap
                else CountOutcome.COUNTED
                if one.moved
                else CountOutcome.NOTHING_NEXT
            )
            BATCHES.labels(outcome.value).inc()
            outcomes[partition] = outcome
        return outcomes

    async def _count(self, batches: Mapping[int, DecodedBatch]) -> Mapping[int, Fold]:
        places = await self._places_of(batches)
        waiting, done = dict(batches), dict[int, Fold]()
        while waiting:
            folds = {partition: some.fold(places[partition].sequence) for partition, some in waiting.items()}
            moves = {
                one: PositionMove(places[one], outcome) for one, outcome in folds.items() if outcome.moved
            }
            settled = set(moves) if moves and await self._store(moves) else set()
            if len(settled) < len(waiting):
                # Repeats, a gap, or a position that moved under us: by another worker, a skip, or a rebuild,
                # which after a restored register may also have lowered it.
                fresh = await self._read(waiting.keys() - settled)
                settled |= {one for one in fresh if one not in moves and fresh[one] == places[one]}
                places = fresh
            for one in settled:
                done[one] = folds[one]
                del waiting[one]
        return done

    async def _places_of(self, partitions: Collection[int]) -> Mapping[int, PartitionPosition]:
        if all(partition in self._places for partition in partitions):
            return {partition: self._places[partition] for partition in partitions}
        return await self._read(partitions)

    async def _read(self, partitions: Collection[int]) -> Mapping[int, PartitionPosition]:
        places = await self._tallies.places()
        for partition in partitions:
            if partition not in places:
                raise PositionMissingError(f"partition {partition} has no position")
            self._places[partition] = places[partition]
        return {partition: places[partition] for partition in partitions}

    async def _store(self, moves: Mapping[int, PositionMove]) -> bool:
        sums = roll_up((move.fold for move in moves.values()), self._now() - MINUTES_KEPT)
        failpoint("worker.before_store")
        with STORE_SECONDS.time():
            moved = await self._tallies.count(moves, sums)
        failpoint("worker.after_store")
        if moved:
            for partition, move in moves.items():
                self._places[partition] = move.reached
                _record_metrics(partition, move.fold)
        return moved

    async def _keep(self, partition: int, strays: Sequence[StrayRecord]) -> None:
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


def _record_metrics(partition: int, counted: Fold) -> None:
    COUNTED.inc(counted.counted)
    for bad in counted.quarantined:
        QUARANTINED.labels(bad.reason.value).inc()
        log.warning("event quarantined", partition=partition, sequence=bad.sequence, reason=bad.reason.value)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to go on trying, by which clock."""

    failing_s_max: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


async def retry(action: Callable[[], Awaitable[T]], patience: RetryPolicy) -> T:
    """Do it until it succeeds, with a bounded back-off: a batch whose agent raises is lost for good.

    Raises StoreFailingError once `failing_s_max` seconds have gone by.
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
                raise StoreFailingError(
                    f"no success for {patience.failing_s_max:.0f} s: {type(error).__name__}"
                ) from error
            STORE_RETRIES.inc()
            log.warning("store failed", error=type(error).__name__, reason=str(error)[:300], retry_s=delay_s)
            await patience.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_DELAY_S_MAX)
