"""Decoding records, and the reasons why a record cannot be counted."""

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
class SampleRecord:
    offset: int
    value: bytes | None


def test_only_the_counted_fields_are_decoded() -> None:
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
    ],
)
def test_a_malformed_event_keeps_its_sequence(changes: dict[str, Any]) -> None:
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
def test_a_record_without_a_sequence_is_unreadable(value: bytes | None) -> None:
    assert read_event(value, PARTITION) is QuarantineReason.UNREADABLE


def test_an_event_stored_in_another_partition_is_misplaced() -> None:
    assert read_event(json.dumps(EVENT).encode(), PARTITION + 1) is QuarantineReason.MISPLACED


@given(st.binary(max_size=60) | st.none())
def test_arbitrary_bytes_raise_no_error(value: bytes | None) -> None:
    assert read_event(value, PARTITION) is QuarantineReason.UNREADABLE


def test_a_batch_is_split_into_events_and_unsequenced_records() -> None:
    records = [SampleRecord(5, json.dumps(EVENT).encode()), SampleRecord(6, b"?"), SampleRecord(7, None)]

    events, unsequenced = read_batch(records, PARTITION)

    assert [offset for offset, _ in events] == [5]
    assert [(record.offset, record.reason) for record in unsequenced] == [
        (6, QuarantineReason.UNREADABLE),
        (7, QuarantineReason.UNREADABLE),
    ]
