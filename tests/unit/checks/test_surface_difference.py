"""A difference has its path and both values; equal parts are not listed."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from checks.surface.difference import LINES_SHOWN_MAX, differences, report

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES, VALUES)
@example({"a": 1}, {"a": True})
def test_documents_have_no_difference_exactly_if_they_are_equal(one: object, other: object) -> None:
    found = differences("x.json", json.dumps(one), json.dumps(other))

    assert (found == []) == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))


def test_each_difference_has_its_path_and_both_values() -> None:
    recorded = {"board": {"port": 1, "gone": [], "list": [{"x": "a"}]}}
    present = {"board": {"port": 2, "come": None, "list": [{"x": "b"}]}}

    found = differences("x.json", json.dumps(recorded), json.dumps(present))

    assert found == [
        "+ board > come: null",
        "- board > gone: []",
        '~ board > list[0] > x: "a" -> "b"',
        "~ board > port: 1 -> 2",
    ]


def test_a_new_object_is_one_line() -> None:
    found = differences("x.json", "{}", json.dumps({"a": {"b": [1, 2], "c": 3}}))

    assert found == ['+ a: {"b": [1, 2], "c": 3}']


def test_a_line_of_sql_is_shown_below_its_statement() -> None:
    recorded = "CREATE TABLE a (\n    one text,\n    two text\n);\nCREATE INDEX b;\n"
    present = "CREATE TABLE a (\n    one text,\n    two integer\n);\nCREATE INDEX c;\n"

    found = differences("x.sql", recorded, present)

    assert found == [
        "in CREATE TABLE a (",
        "-     two text",
        "+     two integer",
        "- CREATE INDEX b;",
        "+ CREATE INDEX c;",
    ]


@given(st.lists(VALUES, max_size=4), st.lists(VALUES, max_size=4))
def test_record_lists_have_no_difference_exactly_if_they_are_equal(
    one: list[object], other: list[object]
) -> None:
    recorded, present = (
        "".join(f"{json.dumps(value)}\n" for value in log) for log in (["first", *one], other)
    )

    assert (differences("x.jsonl", recorded, present) == []) == (recorded == present)


def test_a_changed_record_has_its_number_and_the_path_in_it() -> None:
    found = differences("x.jsonl", '{"a": 1}\n{"a": {"b": 1}}\n', '{"a": 1}\n{"a": {"b": 2}}\n')

    assert found == ["~ record 2 > a > b: 1 -> 2"]


def test_a_different_order_of_fields_on_a_topic_is_a_difference() -> None:
    found = differences("x.jsonl", '{"a": 1, "b": 2}\n', '{"b": 2, "a": 1}\n')

    assert found == ["~ record 1: the order of its fields"]


def test_a_missing_recording_is_a_difference() -> None:
    assert differences("x.json", "", "{}\n") == ["x.json: there is no recording"]


def test_a_long_report_says_how_many_lines_it_leaves_out() -> None:
    text = report("x.json", ["line"] * (LINES_SHOWN_MAX + 3))

    assert text.splitlines()[-1].strip() == "… and 3 more lines"
