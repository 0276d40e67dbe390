"""Folds straight runs, the common case, without creating an event or a standing per record.

A run is straight if its events follow each other in sequence and all of them can be counted. The result
equals that of `event_fold.fold`, which folds all other runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from aggregator.domain.event import (
    UNDECODABLE,
    RawEvent,
    Record,
    Standing,
    read_raw_event,
    read_standing,
)
from aggregator.domain.event_fold import Fold, uncountable_reason


def fold_straight_run(records: Collection[Record], partition: int) -> Fold | None:
    """Fold the records from the sequence before the first event's; None if they are no straight run."""
    try:
        events = [read_raw_event(record.value) for record in records]  # type: ignore[arg-type]  # None raises
        if not events or not _is_straight(events, partition):
            return None
        standing_changes = _sum(events)
    except UNDECODABLE:
        return None
    if standing_changes is None:
        return None
    position = events[0].sequence - 1
    offsets = [record.offset for record in records]
    return Fold(position, position + len(events), offsets[-1] + 1, standing_changes, counted=len(events))


def _is_straight(events: Collection[RawEvent], partition: int) -> bool:
    """Return whether the events belong to the partition and are in sequence."""
    sequences = [event.sequence for event in events]
    is_in_sequence = sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    return is_in_sequence and {event.partition for event in events} == {partition}


def _sum(events: Collection[RawEvent]) -> dict[Standing, int] | None:
    """Sum the changes per standing; None if one cannot be counted.

    Equal bytes are summed before their standing is decoded. Raises one of the errors in UNDECODABLE.
    """
    changes = [event.data for event in events]
    numbers = Counter(
        zip(
            [bytes(change.before) for change in changes],
            [bytes(change.after) for change in changes],
            strict=True,
        )
    )
    sums: dict[Standing, int] = {}
    for (before, after), number in numbers.items():
        for json, signed in ((after, number), (before, -number)):
            standing = read_standing(json)
            if standing is None:
                continue
            if uncountable_reason(standing) is not None:
                return None
            sums[standing] = sums.get(standing, 0) + signed
    return sums
