"""The schemas accept every sample, and reject missing fields, personal data and impossible standings."""

from __future__ import annotations

import copy
import uuid
from itertools import pairwise
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.contract_documents import (
    CONTRACT,
    REGISTRIES,
    SAMPLES,
    SCHEMA_OF_TOPIC,
    SCHEMAS,
    faults,
    sample,
    samples_of,
    schema_of,
)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_valid_and_its_references_have_targets(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])

    resolver = REGISTRIES["read"].resolver(base_uri=f"schemas/{name}.json")
    for reference in references(SCHEMAS[name]):
        resolver.lookup(reference)


@pytest.mark.parametrize("name", SCHEMAS)
def test_references_are_relative_to_the_file_of_a_schema(name: str) -> None:
    # Tools would look for the files of references at the address in an `$id`.
    assert "$id" not in SCHEMAS[name]
    for reference in references(SCHEMAS[name]):
        file = reference.partition("#")[0]
        assert not file or (CONTRACT / "schemas" / file).is_file(), reference


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_valid(name: str) -> None:
    assert faults(schema_of(name), sample(name)) == []


def test_every_topic_and_every_type_of_event_has_a_sample() -> None:
    types = {event["type"] for event in samples_of("participant-events")}

    assert {name.split("/")[0] for name in SAMPLES} == set(SCHEMA_OF_TOPIC)
    assert types == set(SCHEMAS["participant-event"]["properties"]["type"]["enum"])


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_without_a_required_field_is_refused(name: str) -> None:
    schema = schema_of(name)
    for field in SCHEMAS[schema]["required"]:
        rest = {key: value for key, value in sample(name).items() if key != field}
        assert faults(schema, rest), field


@pytest.mark.parametrize("name", SAMPLES)
def test_readers_allow_a_field_that_was_added_to_any_object(name: str) -> None:
    schema = schema_of(name)
    original = sample(name)

    for path in objects(original):
        changed = with_field(original, path, "added_later", 1)
        assert faults(schema, changed, use="read") == [], path
        assert faults(schema, changed), path


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("field", ["nik", "name", "phone", "address"])
def test_a_field_of_personal_data_is_refused_in_every_object(name: str, field: str) -> None:
    schema = schema_of(name)
    original = sample(name)

    for path in objects(original):
        changed = with_field(original, path, field, "3199014101900000")
        assert faults(schema, changed), path


def test_a_standing_before_registering_and_after_withdrawing_is_refused() -> None:
    registered = sample("participant-events/v1/registered.json")
    withdrawn = sample("participant-events/v1/withdrawn.json")
    registered["data"]["before"] = registered["data"]["after"]
    withdrawn["data"]["after"] = withdrawn["data"]["before"]

    assert faults("participant-event", registered)
    assert faults("participant-event", withdrawn)


def test_the_partition_of_a_sample_is_derived_from_its_subject() -> None:
    for event in samples_of("participant-events"):
        subject = uuid.UUID(event["subject"])
        assert subject.version == 7
        assert event["partition"] == int.from_bytes(subject.bytes[-4:], "big") % 12


def test_the_standing_before_an_event_is_that_after_the_event_before() -> None:
    by_subject: dict[str, list[Any]] = {}
    for event in sorted(samples_of("participant-events"), key=lambda event: int(event["sequence"])):
        by_subject.setdefault(event["subject"], []).append(event)

    (longest,) = [events for events in by_subject.values() if len(events) > 2]
    for earlier, later in pairwise(longest):
        assert later["data"]["before"] == earlier["data"]["after"]
        assert later["data"]["revision"] == earlier["data"]["revision"] + 1
        assert later["time"] > earlier["time"]


def test_the_parts_of_a_full_have_the_same_head_and_their_rows_add_up() -> None:
    first = sample("region-counts/v1/full-first-of-two-parts.json")
    second = sample("region-counts/v1/full-second-of-two-parts.json")

    rows = {tuple(row[:3]): row[3] for row in first.pop("rows") + second.pop("rows")}
    ranges = first.pop("quarantined_ranges") + second.pop("quarantined_ranges")
    peaks = {tuple(peak[:3]): peak[3] for peak in first.pop("peaks") + second.pop("peaks")}
    assert all(peak > rows[key] for key, peak in peaks.items())
    assert (first.pop("part"), second.pop("part")) == (0, 1)
    assert first == second
    assert sum(last - start + 1 for _, start, last in ranges) == first["quarantined_total"]
    cities = [count for (_, region, _), count in rows.items() if region.count(".") == 1]
    assert rows["all", "31", "registered"] == sum(cities)


def references(schema: Any) -> list[str]:
    """Return every $ref inside a schema."""
    if isinstance(schema, list):
        return [found for item in schema for found in references(item)]
    if isinstance(schema, dict):
        own = [schema["$ref"]] if "$ref" in schema else []
        return own + [found for item in schema.values() for found in references(item)]
    return []


def with_field(value: Any, path: tuple[str | int, ...], field: str, content: object) -> Any:
    """Return a copy of a value in which the object at `path` has a further field."""
    changed = copy.deepcopy(value)
    inner = changed
    for step in path:
        inner = inner[step]
    inner[field] = content
    return changed


def objects(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the paths of all objects inside a value, including the value itself."""
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in objects(item, (*path, index))]
    if isinstance(value, dict):
        return [path, *(found for key, item in value.items() for found in objects(item, (*path, key)))]
    return []
