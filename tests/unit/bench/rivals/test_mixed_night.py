from __future__ import annotations

from collections import Counter

from aggregator.domain.event import BadEvent, OffsetEvent, QuarantineReason, read_event
from aggregator.domain.event_fold import fold
from bench.fixtures.mixed_night import WEIGHTS, MixedNight


def events_of(night: MixedNight, partition: int, count: int) -> list[OffsetEvent]:
    events: list[OffsetEvent] = []
    for offset, (_, value) in enumerate(night.values(partition, count)):
        event = read_event(value, partition)
        assert not isinstance(event, BadEvent | QuarantineReason)
        events.append((offset, event))
    return events


def test_the_aggregator_counts_what_the_night_expects() -> None:
    night = MixedNight()
    counts: Counter[str] = Counter()

    for partition in (0, 5):
        folded = fold(0, events_of(night, partition, 3_000))
        assert (folded.counted, folded.last) == (3_000, 3_000)
        for standing, change in folded.standing_changes.items():
            counts[f"{standing.region}|{standing.agency}|{standing.campaign}"] += change

    assert {key: count for key, count in counts.items() if count} == {
        key: count for key, count in night.expected.items() if count
    }


def test_a_night_has_all_types_of_events_in_the_given_parts() -> None:
    types = Counter(
        value.split(b"participant.")[1].split(b".v1")[0].decode()
        for _, value in MixedNight().values(3, 5_000)
    )

    for event_type, percent in WEIGHTS.items():
        # A step that was completed before, or a move to the same place, is a correction of nothing.
        assert abs(types[event_type] / 50 - percent) < 2.5
