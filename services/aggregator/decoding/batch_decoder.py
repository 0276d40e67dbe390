"""Defines the port `Decode`, and the decoder in pure Python.

A decoder turns fetched records into batches to fold. The compiled decoder gives the same results.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregator.domain.event import OffsetEvent, Record, UnsequencedRecord, read_batch
from aggregator.domain.event_fold import Fold, fold


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


@dataclass(frozen=True, slots=True)
class EventBatch:
    """A batch whose events are Python objects."""

    events: Sequence[OffsetEvent]
    unsequenced: Sequence[UnsequencedRecord]

    def fold(self, position: int, settled: Collection[int] = ()) -> Fold:
        """See `DecodedBatch`."""
        return fold(position, self.events, settled)


def decode_events(records: Collection[Record], partition: int) -> EventBatch:
    """Decode in pure Python."""
    return EventBatch(*read_batch(records, partition))
