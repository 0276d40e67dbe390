"""A change without a finding breaks no client: requests are still accepted, and answers as promised."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from checks.surface.compatibility.schema_inclusion import Change

WRITTEN = Change({}, {}, is_read=False)
READ = Change({}, {}, is_read=True)

SCALARS: list[Any] = [None, "", "a", "aa", 0, 1, 2]
VALUES: list[Any] = [
    *SCALARS,
    *({"x": value} for value in SCALARS),
    *({"x": one, "y": other} for one, other in product(SCALARS, SCALARS)),
    {},
    [],
    *([value] for value in SCALARS),
    *([one, other] for one, other in product(SCALARS, SCALARS)),
]
LEAVES = st.sampled_from(
    [
        {},
        {"type": "string"},
        {"type": "string", "minLength": 1},
        {"type": "string", "maxLength": 1},
        {"type": ["string", "null"]},
        {"type": "integer"},
        {"type": "integer", "minimum": 1},
        {"const": "a"},
        {"enum": ["a", "aa"]},
        {"anyOf": [{"type": "integer", "maximum": 1}, {"type": "null"}]},
        False,
    ]
)
OBJECTS = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("xy"), LEAVES)},
    optional={
        "required": st.sampled_from([["x"], ["x", "y"]]),
        "additionalProperties": st.sampled_from([False, {"type": "integer"}]),
    },
)
ARRAYS = st.fixed_dictionaries(
    {"type": st.just("array")},
    optional={
        "items": LEAVES,
        "prefixItems": st.lists(LEAVES, min_size=1, max_size=2),
        "minItems": st.integers(0, 2),
        "maxItems": st.integers(0, 2),
    },
)
CONDITIONS = st.fixed_dictionaries(
    {"if": st.just({"required": ["x"]}), "then": OBJECTS, "type": st.just("object")}
)
SCHEMAS = st.one_of(LEAVES, OBJECTS, ARRAYS, CONDITIONS)


def changed(schemas: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    """Return a strategy of a schema and the same schema with some keywords of another."""
    keywords = st.sets(
        st.sampled_from(["properties", "required", "additionalProperties", "items", "minItems"])
    )
    return st.tuples(schemas, schemas, keywords).map(
        lambda drawn: (
            drawn[0],
            drawn[0] | {keyword: value for keyword, value in drawn[1].items() if keyword in drawn[2]},
        )
    )


PAIRS = st.one_of(changed(OBJECTS), changed(ARRAYS), changed(CONDITIONS), st.tuples(SCHEMAS, SCHEMAS))


def valid(schema: Any) -> list[Any]:
    validator = Draft202012Validator(schema)
    return [value for value in VALUES if validator.is_valid(value)]


@settings(deadline=None)
@given(SCHEMAS)
def test_a_schema_without_a_change_breaks_nothing(schema: Any) -> None:
    assert list(WRITTEN.breaks(schema, schema, "x")) == list(READ.breaks(schema, schema, "x")) == []


@settings(deadline=None)
@given(PAIRS)
def test_what_clients_write_is_still_accepted_if_nothing_is_found(change: tuple[Any, Any]) -> None:
    old, new = change
    if list(WRITTEN.breaks(old, new, "x")):
        return

    accepted = Draft202012Validator(new)
    for value in valid(old):
        # A client writes only fields that it knows.
        if not isinstance(value, dict) or value.keys() <= _fields(old):
            assert accepted.is_valid(value), value


@settings(deadline=None)
@given(PAIRS)
def test_what_clients_read_is_as_promised_if_nothing_is_found(change: tuple[Any, Any]) -> None:
    old, new = change
    # Readers ignore values of an enumeration that they do not know.
    if "enum" in str(old) or list(READ.breaks(old, new, "x")):
        return

    promised = Draft202012Validator(_open(old))
    for value in valid(new):
        assert promised.is_valid(value), value


def _fields(schema: Any) -> set[str]:
    return set(schema.get("properties", {})) if isinstance(schema, dict) else set()


def _open(schema: Any) -> Any:
    """Return a schema that allows unknown fields, as readers do."""
    if not isinstance(schema, dict):
        return schema
    return {
        key: _open(item) for key, item in schema.items() if (key, item) != ("additionalProperties", False)
    }


def object_of(**fields: Any) -> Any:
    return {"type": "object", "properties": fields, "required": sorted(fields)}


TEXT = {"type": "string"}
BREAK_READERS = {
    "a removed field": (object_of(a=TEXT, b=TEXT), object_of(a=TEXT)),
    "a renamed field": (object_of(a=TEXT), object_of(b=TEXT)),
    "a field that may be missing": (object_of(a=TEXT), object_of(a=TEXT) | {"required": []}),
    "another type": (object_of(a=TEXT), object_of(a={"type": "integer"})),
    "a field that may be null": (object_of(a=TEXT), object_of(a={"type": ["string", "null"]})),
    "another format": ({"type": "string", "format": "uuid"}, TEXT),
    "a wider bound": ({"type": "integer", "minimum": 1}, {"type": "integer", "minimum": 0}),
    "text instead of choices": ({"enum": ["a"]}, TEXT),
}
BREAK_WRITERS = {
    "a new required field": (object_of(a=TEXT), object_of(a=TEXT, b=TEXT)),
    "a removed field": (
        object_of(a=TEXT) | {"additionalProperties": False},
        object_of() | {"additionalProperties": False},
    ),
    "a narrower type": ({"type": ["string", "null"]}, TEXT),
    "a narrower bound": ({"type": "string", "maxLength": 9}, {"type": "string", "maxLength": 8}),
    "a choice fewer": ({"enum": ["a", "b"]}, {"enum": ["a"]}),
    "a new pattern": (TEXT, {"type": "string", "pattern": "^a"}),
    "another default": ({"default": "a"} | TEXT, {"default": "b"} | TEXT),
    "unknown fields refused": ({"type": "object"}, {"type": "object", "additionalProperties": False}),
}
PASS_READERS = {
    "a new field": (object_of(a=TEXT), object_of(a=TEXT, b=TEXT)),
    "a new value of a choice": ({"enum": ["a"]}, {"enum": ["a", "b"]}),
    "a field always there": (object_of(a=TEXT) | {"required": []}, object_of(a=TEXT)),
    "no unknown fields": (object_of(a=TEXT), object_of(a=TEXT) | {"additionalProperties": False}),
    "unknown fields": (object_of(a=TEXT) | {"additionalProperties": False}, object_of(a=TEXT)),
    "null as a type or an alternative": ({"type": ["string", "null"]}, {"anyOf": [TEXT, {"type": "null"}]}),
}
PASS_WRITERS = {
    "a new optional field": (object_of(a=TEXT), object_of(a=TEXT, b=TEXT) | {"required": ["a"]}),
    "a new choice": ({"enum": ["a"]}, {"enum": ["a", "b"]}),
    "a wider type": ({"type": "integer"}, {"type": ["number", "null"]}),
}


@pytest.mark.parametrize("change", BREAK_READERS)
def test_a_change_that_breaks_readers_is_found(change: str) -> None:
    assert list(READ.breaks(*BREAK_READERS[change], "x"))


@pytest.mark.parametrize("change", BREAK_WRITERS)
def test_a_change_that_breaks_writers_is_found(change: str) -> None:
    assert list(WRITTEN.breaks(*BREAK_WRITERS[change], "x"))


@pytest.mark.parametrize("change", PASS_READERS)
def test_a_change_that_readers_do_not_notice_passes(change: str) -> None:
    assert list(READ.breaks(*PASS_READERS[change], "x")) == []


@pytest.mark.parametrize("change", PASS_WRITERS)
def test_a_change_that_writers_do_not_notice_passes(change: str) -> None:
    assert list(WRITTEN.breaks(*PASS_WRITERS[change], "x")) == []
