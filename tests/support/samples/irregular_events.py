"""Events as JSON with irregular fields, values and bytes, of which few can be counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

PARTITION = 3
STANDINGS: list[Any] = [
    None,
    {"region": "31.71.01.1001", "agency": "ppkukm", "campaign": "fest-2021", "steps": []},
    {"region": "31.71.01.1001", "agency": None, "campaign": None, "steps": ["P2", "P7"]},
    {"region": "31.71.01.1001", "agency": None, "campaign": None, "steps": [], "stock": True},
    {"region": "31.71.01.1001", "agency": None, "campaign": None, "steps": [], "stock": "yes"},
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
SEQUENCES: list[Any] = [1, 2, 3, 4, 0, -1, 1.0, 10**17, 10**18, 2**63 - 1, 2**63, "1"]
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
        again = (fields[index][0], draw(st.sampled_from([value for _, value in fields])))
        fields = fields[:index] + fields[index + 1 :] if draw(st.booleans()) else [*fields, again]
    blank = draw(st.sampled_from(["", "", " ", "\n\t\r "]))
    pairs = [f"{json.dumps(key)}{blank}:{blank}{value}" for key, value in fields]
    return f"{{{blank}{f'{blank},{blank}'.join(pairs)}{blank}}}"


@st.composite
def values(draw: st.DrawFn, irregular: bool = True, sequence: int | None = None) -> bytes:
    """An event with values from short lists; if `irregular`, often with an unusual field or byte."""

    def one_of(choices: Sequence[Any], plain: int) -> str:
        """Draw one of the first `plain` choices; if `irregular`, sometimes draw from all choices."""
        from_all = irregular and draw(st.integers(0, 4)) == 0
        chosen = draw(st.sampled_from(choices if from_all else choices[:plain]))
        return json.dumps(chosen, ensure_ascii=draw(st.booleans()))

    def rarely() -> bool:
        return draw(st.integers(0, 19)) == 0

    data = [
        ("before", one_of(STANDINGS, 3)),
        ("after", one_of(STANDINGS, 3)),
        ("revision", one_of(EXTRAS, 1)),
    ]
    event = [
        ("partition", one_of([PARTITION, 4, -1, 3.0, "3", 2**65, None], 1)),
        ("sequence", one_of(SEQUENCES, 4) if sequence is None else str(sequence)),
        ("time", one_of(TIMES, 3)),
        ("data", one_of(EXTRAS, 1) if irregular and rarely() else draw(json_objects(data, irregular))),
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


def event_json(sequence: int, agency: str) -> bytes:
    """A plain registration."""
    after: Any = {"region": "31.71.01.1001", "agency": agency, "campaign": None, "steps": []}
    data = {"before": None, "after": after}
    return json.dumps(
        {"partition": PARTITION, "sequence": sequence, "time": "2021-10-24T12:05:00Z", "data": data}
    ).encode()
