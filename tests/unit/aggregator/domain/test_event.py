"""What is read of a record, and what a record that cannot be counted is called."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.event import BadEvent, Event, QuarantineReason, Standing, read_batch, read_event

PARTITION = 3
STANDING: dict[str, Any] = {"region": "31.71.01.1001", "agency": "ppkukm", "campaign": None, "steps": ["P2"]}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "partition": PARTITION,
    "sequence": 17,
    "time": "2021-10-24T12:05:00Z",
    "data": {"revision": 1, "before": None, "after": STANDING, "channel": "booth"},
}


@dataclass
class Kept:
    offset: int
    value: bytes | None


def test_only_the_fields_used_are_read() -> None:
    event = read_event(json.dumps(EVENT).encode(), PARTITION)

    assert isinstance(event, Event)
    assert event.data.after == Standing("31.71.01.1001", "ppkukm", None, ("P2",))


@pytest.mark.parametrize(
    "changes",
    [
        {"data": None},
        {"data": {"before": None}},
        {"data": {"before": None, "after": {**STANDING, "steps": ["P9"]}}},
        {"data": {"before": None, "after": {**STANDING, "region": 31}}},
        {"time": 5},
    ],
)
def test_an_event_with_a_place_but_bad_content_keeps_its_place(changes: dict[str, Any]) -> None:
    event = read_event(json.dumps({**EVENT, **changes}).encode(), PARTITION)

    assert event == BadEvent(PARTITION, 17, QuarantineReason.MALFORMED)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"not json",
        b"[]",
        b"{}",
        json.dumps({**EVENT, "sequence": "17"}).encode(),
        json.dumps({**EVENT, "sequence": 0}).encode(),
        json.dumps({**EVENT, "sequence": 2**63}).encode(),
        json.dumps(EVENT).encode()[:-1],
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_record_without_a_place_is_unreadable(value: bytes | None) -> None:
    assert read_event(value, PARTITION) is QuarantineReason.UNREADABLE


def test_an_event_in_another_partition_is_misplaced() -> None:
    assert read_event(json.dumps(EVENT).encode(), PARTITION + 1) is QuarantineReason.MISPLACED


@given(st.binary(max_size=60) | st.none())
def test_no_bytes_break_the_reading(value: bytes | None) -> None:
    assert read_event(value, PARTITION) is QuarantineReason.UNREADABLE


def test_a_batch_is_parted_into_events_and_strays() -> None:
    records = [Kept(5, json.dumps(EVENT).encode()), Kept(6, b"?"), Kept(7, None)]

    events, strays = read_batch(records, PARTITION)

    assert [offset for offset, _ in events] == [5]
    assert [(stray.offset, stray.reason) for stray in strays] == [
        (6, QuarantineReason.UNREADABLE),
        (7, QuarantineReason.UNREADABLE),
    ]
