"""Counts a fetch: decodes it, folds it from the stored positions, and stores the result.

If a gap remains in a partition, the counter requests a seek back to the stored offset: at the first fetch
with the gap, and while it lasts at the second, fourth, eighth … fetch.
Records in a partition without a stored position are ignored: the register has no such partition.

Failpoints: `worker.before_store`, `worker.after_store`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum

from aggregator.decoding.batch_decoder import Decode, DecodedBatch, decode_batch
from aggregator.domain.event import Record, UnsequencedRecord
from aggregator.domain.event_fold import Fold
from aggregator.domain.roll_up import roll_up
from aggregator.metrics import BATCHES, COUNTED, PASSED, QUARANTINED, SEEKS, STORE_SECONDS
from aggregator.tallies.tally_store import PartitionPosition, PositionChange, TallyStore
from telemetry.failpoints import failpoint
from telemetry.logs import get

log = get()


class CountOutcome(Enum):
    """The result of counting one partition's batch."""

    COUNTED = "counted"
    NOTHING_NEXT = "nothing_next"
    GAP = "gap"
    IGNORED = "ignored"


class BatchCounter:
    """Counts fetched batches and caches the stored position of each partition."""

    def __init__(
        self,
        tallies: TallyStore,
        request_seek: Callable[[int, int], None],
        decode: Decode = decode_batch,
    ) -> None:
        self._tallies = tallies
        self._request_seek = request_seek
        self._decode = decode
        self._positions: dict[int, PartitionPosition] = {}
        self._fetches_with_gap: dict[int, tuple[PartitionPosition, int]] = {}
        """Per partition, how many fetches have ended with a gap after this position."""
        self._recorded_gaps: dict[int, tuple[PartitionPosition, int]] = {}

    async def load_offsets(self) -> Mapping[int, int]:
        """Read the positions of all partitions; return the next offset to read per partition."""
        self._positions = dict(await self._tallies.positions())
        return {partition: position.offset for partition, position in self._positions.items()}

    async def count_fetch(self, fetched: Mapping[int, Collection[Record]]) -> Mapping[int, CountOutcome]:
        """Count the events of each partition's batch that are next in sequence.

        Of one batch, either all these events are counted or none. After any failure the call may be repeated
        with the same fetch.
        """
        positions = await self._positions_of(fetched)
        outcomes = dict.fromkeys(fetched.keys() - positions.keys(), CountOutcome.IGNORED)
        batches: dict[int, DecodedBatch] = {}
        for partition in positions:
            batches[partition] = self._decode(fetched[partition], partition)
            if unsequenced := batches[partition].unsequenced:
                await self._quarantine_unsequenced(partition, unsequenced)
        folds = await self._count(batches, positions)
        for partition, fold in folds.items():
            if fold.gap is not None:
                await self._handle_gap(partition, fold.gap)
            PASSED.inc(fold.passed)
            outcomes[partition] = _outcome(fold)
        for partition, outcome in outcomes.items():
            BATCHES.labels(outcome.value).inc()
            if outcome is CountOutcome.IGNORED:
                log.warning("records ignored", partition=partition, records=len(fetched[partition]))
        return outcomes

    async def _count(
        self, batches: Mapping[int, DecodedBatch], positions: Mapping[int, PartitionPosition]
    ) -> Mapping[int, Fold]:
        waiting, done = dict(batches), dict[int, Fold]()
        while waiting:
            folds = {
                partition: batch.fold(positions[partition].sequence) for partition, batch in waiting.items()
            }
            changes = {
                partition: PositionChange(positions[partition], fold)
                for partition, fold in folds.items()
                if fold.moved
            }
            settled = set(changes) if changes and await self._store(changes) else set()
            if len(settled) < len(waiting):
                # Some batches were not stored. Either none of their events is next, or another worker, a skip
                # or a rebuild has changed a stored position; after a restore of the register, a rebuild may
                # also lower positions. Read the positions again, and fold again where they changed.
                stored = await self._read_positions(waiting.keys() - settled)
                settled |= {
                    partition
                    for partition in stored
                    if partition not in changes and stored[partition] == positions[partition]
                }
                positions = stored
            for partition in settled:
                done[partition] = folds[partition]
                del waiting[partition]
        return done

    async def _positions_of(self, partitions: Collection[int]) -> Mapping[int, PartitionPosition]:
        if all(partition in self._positions for partition in partitions):
            return {partition: self._positions[partition] for partition in partitions}
        return await self._read_positions(partitions)

    async def _read_positions(self, partitions: Collection[int]) -> Mapping[int, PartitionPosition]:
        """Read the positions of these partitions, without those that have no position."""
        stored = await self._tallies.positions()
        found = {partition: stored[partition] for partition in partitions if partition in stored}
        self._positions.update(found)
        return found

    async def _store(self, changes: Mapping[int, PositionChange]) -> bool:
        tally_changes = roll_up(change.fold for change in changes.values())
        failpoint("worker.before_store")
        with STORE_SECONDS.time():
            stored = await self._tallies.count(changes, tally_changes)
        failpoint("worker.after_store")
        if stored:
            for partition, change in changes.items():
                self._positions[partition] = change.after
                _record_metrics(partition, change.fold)
        return stored

    async def _quarantine_unsequenced(self, partition: int, records: Sequence[UnsequencedRecord]) -> None:
        await self._tallies.quarantine_unsequenced(partition, records)
        for record in records:
            QUARANTINED.labels(record.reason.value).inc()
            log.warning(
                "record without valid sequence",
                partition=partition,
                offset=record.offset,
                reason=record.reason.value,
            )

    async def _handle_gap(self, partition: int, sequence: int) -> None:
        """Store the gap and request a seek to the stored offset.

        If a seek does not find the missing event, the relay sends the event again, and it usually arrives
        later in the topic. But if the topic has lost its newest records, the event arrives at an offset that
        was read before. Only a further seek finds it. As the seeks become rarer, all of them together read
        at most about as many records again as were read with the gap.
        """
        position = self._positions[partition]
        if self._recorded_gaps.get(partition) != (position, sequence):
            await self._tallies.record_gap(partition, position, sequence)
            self._recorded_gaps[partition] = (position, sequence)
        former, fetches = self._fetches_with_gap.get(partition, (position, 0))
        fetches = fetches + 1 if former == position else 1
        self._fetches_with_gap[partition] = (position, fetches)
        if fetches.bit_count() == 1:
            SEEKS.inc()
            log.warning("sequence gap", partition=partition, expected=position.sequence + 1, seen=sequence)
            self._request_seek(partition, position.offset)


def _outcome(fold: Fold) -> CountOutcome:
    if fold.gap:
        return CountOutcome.GAP
    return CountOutcome.COUNTED if fold.moved else CountOutcome.NOTHING_NEXT


def _record_metrics(partition: int, fold: Fold) -> None:
    COUNTED.inc(fold.counted)
    for bad in fold.quarantined:
        QUARANTINED.labels(bad.reason.value).inc()
        log.warning("event quarantined", partition=partition, sequence=bad.sequence, reason=bad.reason.value)
