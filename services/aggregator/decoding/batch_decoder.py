"""Defines the port `Decode`, and the decoder of batches.

A decoder turns fetched records into batches to fold. A straight run is folded while it is decoded, in pure
Python or compiled. Any other batch is decoded into events, which `event_fold.fold` folds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregator.domain.event import OffsetEvent, Record, UnsequencedRecord, read_batch
from aggregator.domain.event_fold import Fold, fold
from aggregator.domain.straight_run import fold_straight_run


class DecodedBatch(Protocol):
    """The decoded records of one partition."""

    @property
    def unsequenced(self) -> Sequence[UnsequencedRecord]:
        """The records without a valid sequence."""

    def fold(self, position: int, settled: Collection[int] = ()) -> Fold:
        """Fold the events from a position on; see `event_fold.fold`. May be called repeatedly."""


class Decode(Protocol):
    """Decodes the records of one partition, as a collection of records or as a run of the patched fetcher."""

    def __call__(self, records: Collection[Record], partition: int) -> DecodedBatch:
        """Decode the records. Invalid content raises no error; the batch reports the invalid records."""


class FoldStraightRun(Protocol):
    """Folds a straight run; see `straight_run.fold_straight_run`."""

    def __call__(self, records: Collection[Record], partition: int, /) -> Fold | None: ...


@dataclass(frozen=True, slots=True)
class EventBatch:
    """A batch whose events are Python objects."""

    events: Sequence[OffsetEvent]
    unsequenced: Sequence[UnsequencedRecord]

    def fold(self, position: int, settled: Collection[int] = ()) -> Fold:
        """See `DecodedBatch`."""
        return fold(position, self.events, settled)


@dataclass(frozen=True, slots=True)
class StraightBatch:
    """A batch that is a straight run, and its fold from the sequence before its first event."""

    straight_fold: Fold
    records: Collection[Record]
    partition: int
    unsequenced: Sequence[UnsequencedRecord] = ()

    def fold(self, position: int, settled: Collection[int] = ()) -> Fold:
        """See `DecodedBatch`. From any other position, decode the records again into events."""
        straight = self.straight_fold
        if position == straight.position and not any(position < one <= straight.last + 1 for one in settled):
            return straight
        return decode_events(self.records, self.partition).fold(position, settled)


def decode_events(records: Collection[Record], partition: int) -> EventBatch:
    """Decode each record into an event. With `event_fold.fold`, this defines the correct result."""
    return EventBatch(*read_batch(records, partition))


def decode_batch(
    records: Collection[Record], partition: int, fold_run: FoldStraightRun = fold_straight_run
) -> DecodedBatch:
    """Decode a straight run with `fold_run`, and any other batch into events."""
    straight = fold_run(records, partition)
    return (
        decode_events(records, partition) if straight is None else StraightBatch(straight, records, partition)
    )
