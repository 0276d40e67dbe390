"""The compiled decoder gives the same results as the pure Python decoder for any record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.decoding.batch_decoder import decode_events
from aggregator.decoding.decoder_selection import select_decoder
from tests.support.required_programs import require

require("cc", whole_module=True)

from aggregator.decoding.compiled import decoder  # noqa: E402 - it exists only where a compiler built it

PARTITION = 3
STANDINGS: list[Any] = [
    None,
    {"region": "31.71.01.1001", "agency": "ppkukm", "campaign": "fest-2021", "steps": []},
    {"region": "31.71.01.1001", "agency": None, "campaign": None, "steps": ["P2", "P7"]},
    {"steps": ["P2"], "campaign": None, "agency": "ppkukm", "region": "99", "more": [1, {"a": None}]},
    {"region": 'Désa \\ "x" \n', "agency": None, "campaign": None, "steps": []},
    {"region": "31.71", "agency": "Not An Id", "campaign": None, "steps": []},
    {"region": "31.71", "agency": None, "campaign": None, "steps": ["P9"]},
    {"region": 31, "agency": None, "campaign": None, "steps": []},
    {"region": "31.71"},
    {"region": "x" * 2000, "agency": None, "campaign": None, "steps": []},
    {},
    [],
    "null",
    0,
    False,
]
TIMES: list[Any] = [
    "2021-10-24T12:05:00Z",
    "2021-10-24T12:05:59.500Z",
    "2021-10-24T12:06:00Z",
    "2021-10-24T12:05:00+07:00",
    "2021-13-24T12:05:00Z",
    "2021-10-24T12:5Z",
    "2021-10-24T12:05Z",
    "２021-10-24T12:05:00Z",
    "Z",
    "",
    7,
    None,
]
EXTRAS: list[Any] = [
    "registered", "é", "a\\b", "\u0001", 0, -1, -0.0, 1.5, 1e300, 10**17, 10**18, 2**63, -(2**70), True,
    False, None, [], {}, [[1, "a"], {"b": [None]}], {"partition": 9, "sequence": 9, "time": "", "data": {}},
    {"before": 1, "after": 2}, [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]],
]  # fmt: skip


@dataclass
class SampleRecord:
    offset: int
    value: bytes | None


@st.composite
def json_objects(draw: st.DrawFn, fields: list[tuple[str, Any]], irregular: bool) -> str:
    """A JSON object with its fields in any order; if `irregular`, sometimes with one missing or repeated."""
    fields = draw(st.permutations(fields))
    if irregular and draw(st.integers(0, 3)) == 0:
        index = draw(st.integers(0, len(fields) - 1))
        fields = fields[:index] + fields[index + 1 :] if draw(st.booleans()) else [*fields, fields[index]]
    blank = draw(st.sampled_from(["", "", " ", "\n\t\r "]))
    pairs = [f"{json.dumps(key)}{blank}:{blank}{value}" for key, value in fields]
    return f"{{{blank}{f'{blank},{blank}'.join(pairs)}{blank}}}"


@st.composite
def values(draw: st.DrawFn, irregular: bool = True) -> bytes:
    """An event with values from short lists; if `irregular`, often with an unusual field or byte."""

    def one_of(choices: Sequence[Any], plain: int) -> str:
        """Draw one of the first `plain` choices; if `irregular`, sometimes draw from all choices."""
        from_all = irregular and draw(st.integers(0, 4)) == 0
        chosen = draw(st.sampled_from(choices if from_all else choices[:plain]))
        return json.dumps(chosen, ensure_ascii=draw(st.booleans()))

    data = [
        ("before", one_of(STANDINGS, 3)),
        ("after", one_of(STANDINGS, 3)),
        ("revision", one_of(EXTRAS, 1)),
    ]
    event = [
        ("partition", one_of([PARTITION, 4, -1, 3.0, "3", 2**65, None], 1)),
        ("sequence", one_of([1, 2, 3, 4, 0, -1, 1.0, 10**17, 10**18, 2**63 - 1, 2**63, "1"], 4)),
        ("time", one_of(TIMES, 3)),
        ("data", draw(json_objects(data, irregular)) if draw(st.integers(0, 19)) else one_of(EXTRAS, 1)),
        ("type", one_of(EXTRAS, 1)),
    ]
    text = draw(json_objects(event, irregular))
    if irregular and draw(st.integers(0, 9)) == 0:
        text = draw(st.sampled_from([" %s\n", "%s ", "%sx", "%s,", "\ufeff%s", "[%s]", "%s\0"])) % text
    value = text.encode()
    if irregular and draw(st.integers(0, 5)) == 0:
        index = draw(st.integers(0, len(value) - 1))
        new = draw(
            st.sampled_from([b"", b"\\", b'"', b"\xff", b"0", b"}", b",", b" ", b"\x1f", b"\x7f", b"e"])
        )
        value = value[:index] + new + value[index + draw(st.integers(0, 1)) :]
    return value


def records_of(values: Sequence[bytes | None]) -> list[SampleRecord]:
    return [SampleRecord(100 + index, value) for index, value in enumerate(values)]


batches = st.lists(values() | st.none() | st.binary(max_size=8), max_size=9).map(records_of)
plain_batches = st.lists(values(irregular=False), max_size=12).map(records_of)
positions_lists = st.lists(st.integers(0, 5), min_size=1, max_size=3)
DECODER = decoder.Decoder()


@given(batches | plain_batches, positions_lists, st.sets(st.integers(1, 4)))
def test_both_decoders_give_the_same_folds_and_unsequenced_records(
    batch: list[SampleRecord], positions: list[int], settled: set[int]
) -> None:
    pure = decode_events(batch, PARTITION)

    compiled = DECODER(batch, PARTITION)

    assert compiled.unsequenced == pure.unsequenced
    for position in positions:
        assert compiled.fold(position) == pure.fold(position)
        assert compiled.fold(position, settled) == pure.fold(position, settled)


@given(st.sampled_from(EXTRAS), st.sampled_from(STANDINGS), st.sampled_from(TIMES), st.booleans())
def test_both_decoders_read_every_irregular_value_alike(
    extra: Any, standing: Any, time: Any, ascii_only: bool
) -> None:
    event = {
        "x": extra,
        "partition": 3,
        "sequence": 1,
        "time": time,
        "data": {"before": None, "after": standing},
    }
    batch = records_of([json.dumps(event, ensure_ascii=ascii_only).encode()])

    compiled, pure = decoder.Decoder()(batch, PARTITION), decode_events(batch, PARTITION)

    assert (compiled.unsequenced, compiled.fold(0)) == (pure.unsequenced, pure.fold(0))


@pytest.mark.parametrize("extra", [1, 3, 5_000])
def test_a_full_standing_table_is_replaced_and_earlier_batches_keep_theirs(extra: int) -> None:
    batch = records_of(
        [event(sequence, f"agency-{sequence}") for sequence in range(1, decoder.STANDINGS_MAX + extra)]
    )
    decode = decoder.Decoder()
    first = decode(batch, PARTITION)
    second = decode(batch[:extra], PARTITION)

    again = decode(batch, PARTITION)

    expected = decode_events(batch, PARTITION).fold(0)
    assert first.fold(0) == again.fold(0) == expected
    assert second.fold(0) == decode_events(batch[:extra], PARTITION).fold(0)


def event(sequence: int, agency: str) -> bytes:
    after: Any = {"region": "31.71.01.1001", "agency": agency, "campaign": None, "steps": []}
    data = {"before": None, "after": after}
    return json.dumps(
        {"partition": PARTITION, "sequence": sequence, "time": "2021-10-24T12:05:00Z", "data": data}
    ).encode()


def test_equal_standings_in_different_bytes_are_summed_together() -> None:
    first, second = event(1, "ppkukm"), event(2, "ppkukm").replace(b": ", b":")

    result = decoder.Decoder()(records_of([first, second]), PARTITION).fold(0)

    assert list(result.standing_changes.values()) == [2]


def test_the_compiled_decoder_is_selected_if_it_is_built() -> None:
    assert isinstance(select_decoder("auto"), decoder.Decoder)
    assert isinstance(select_decoder("on"), decoder.Decoder)
    assert select_decoder("off") is decode_events


def test_a_run_is_split_and_joined_without_losing_records() -> None:
    run = decoder.Run()
    for offset in range(5):
        run.add(offset, None if offset == 3 else b"%d" % offset)

    joined = run.part(0, 2)
    joined.extend(run.part(2, 5))

    assert [(joined[index].offset, joined[index].value) for index in range(-5, 0)] == [
        (0, b"0"), (1, b"1"), (2, b"2"), (3, None), (4, b"4"),
    ]  # fmt: skip
    assert [joined.since(3)[0].offset, len(joined.since(3)), len(joined.since(5))] == [3, 2, 0]
    with pytest.raises(IndexError):
        joined[5]
