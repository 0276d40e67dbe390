"""Invariant 2: every event of the register is in the topic, in sequence order and without a gap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

import msgspec

from faults.invariant_result import InvariantResult
from faults.observation.evidence import DatabaseContents, TopicRecords


class Envelope(msgspec.Struct):
    """The fields of a record of participant-events that the check uses."""

    id: str
    partition: int
    sequence: int


def check_topic(
    database: DatabaseContents, topic: TopicRecords, removed: Mapping[int, Collection[int]]
) -> InvariantResult:
    """Compare the topic with the register's events. Repeats are no violation; the result notes their number.

    `removed` has, for each partition, the sequences whose records a fault removed. The topic may lack them.
    """
    result = InvariantResult(2, "every event is in the topic, in sequence order, without a gap")
    repeats = sum(
        _check_partition(result, database, topic, partition, removed.get(partition, ()))
        for partition in database.last_sequences
    )
    result.notes.append(f"{len(database.events):,} events, {repeats:,} repeats")
    return result


def _check_partition(
    result: InvariantResult,
    database: DatabaseContents,
    topic: TopicRecords,
    partition: int,
    removed: Collection[int],
) -> int:
    """Check one partition; return the number of repeated records."""
    decode = msgspec.json.Decoder(Envelope).decode
    times: Counter[int] = Counter()
    next_sequence = 1
    for value in topic.values.get(partition, []):
        assert value is not None, "participant-events holds no tombstones"
        event = decode(value)
        place = f"partition {event.partition}, sequence {event.sequence}"
        result.check(
            database.events.get((event.partition, event.sequence)) == event.id,
            f"{place} in the topic is not the register's event",
        )
        in_order = all(sequence in removed for sequence in range(next_sequence, event.sequence))
        result.check(in_order, f"{place} follows {next_sequence - 1}")
        next_sequence = max(next_sequence, event.sequence + 1)
        times[event.sequence] += 1
    all_sequences = range(1, database.last_sequences[partition] + 1)
    missing = [sequence for sequence in all_sequences if sequence not in times and sequence not in removed]
    result.check(not missing, f"partition {partition} lacks {len(missing)} events, first {missing[:3]}")
    return times.total() - len(times)
