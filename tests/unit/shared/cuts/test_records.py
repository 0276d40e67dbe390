"""Valid records are decoded, even if a newer publisher added fields; invalid records are rejected."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cuts.records import UndecodableRecordError, decode_cut, decode_register_state

CHANGE = {
    "cut": 120344,
    "term": 7,
    "kind": "change",
    "base": 120343,
    "as_of": "2021-10-24T12:05:01.2Z",
    "positions": [1, 2],
    "gaps": [{"partition": 3, "expected": 17, "seen": 19}],
    "quarantined_ranges": [[3, 120411, 120411]],
    "quarantined_total": 1,
    "generation": 1,
    "full_offset": 991,
    "rows": [["all", "31", "registered", 281812]],
}
REGISTER = {
    "time": "2021-10-24T12:05:01Z",
    "term": 3,
    "epoch": 1,
    "last_sequence": [1, 2],
    "published": [1, 2],
    "audit": {"cut": "7.120344", "drift": 0, "checked_at": "2021-10-24T12:05:00Z", "differences": []},
    "lag": {"events": 17, "standing_s": 0.0},
    "refused": None,
}


def test_fields_of_a_newer_publisher_are_ignored() -> None:
    value = {**CHANGE, "colour": "blue", "gaps": [{**CHANGE["gaps"][0], "since": 1}]}  # type: ignore[index]  # a sample

    record = decode_cut(json.dumps(value).encode())

    assert record.version == (7, 120344)
    assert record.rows == (("all", "31", "registered", 281812),)
    assert record.gaps[0].expected == 17


def test_a_record_without_ranges_has_more_quarantined_events_than_it_names() -> None:
    former = {key: value for key, value in CHANGE.items() if key != "quarantined_ranges"}

    record = decode_cut(json.dumps({**former, "quarantined": [[3, 120411]]}).encode())

    assert (record.quarantined_ranges, record.quarantined_total) == ((), 1)


def test_a_negative_count_is_decoded() -> None:
    record = decode_cut(json.dumps({**CHANGE, "rows": [["all", "31.71.01.1001", "registered", -1]]}).encode())

    assert record.rows == (("all", "31.71.01.1001", "registered", -1),)


def test_a_register_state_before_the_first_audit_is_decoded() -> None:
    state = decode_register_state(json.dumps({**REGISTER, "audit": None}).encode())

    assert state.audit is None
    assert state.relay_alive is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff\xfe",
        b"[]",
        json.dumps({**CHANGE, "base": None}).encode(),
        json.dumps({**CHANGE, "rows": [["all", "31", "registered", "1"]]}).encode(),
        json.dumps({**CHANGE, "kind": "full", "part": 2, "parts": 2}).encode(),
        json.dumps({**CHANGE, "kind": "half"}).encode(),
        json.dumps({**CHANGE, "as_of": "yesterday"}).encode(),
        json.dumps({**CHANGE, "quarantined_ranges": [[3, 0, 120411]]}).encode(),
        json.dumps({**CHANGE, "quarantined_ranges": [[3, 120411]]}).encode(),
    ],
)
def test_an_invalid_value_is_undecodable(value: bytes | None) -> None:
    with pytest.raises(UndecodableRecordError):
        decode_cut(value)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_raise_only_undecodable(value: bytes) -> None:
    for decode in (decode_cut, decode_register_state):
        with pytest.raises(UndecodableRecordError):
            decode(value)
