"""The AsyncAPI document is valid AsyncAPI 3.1 and agrees with topics.yaml and the schemas."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from tests.support.contract_documents import (
    CONTRACT,
    REGISTRIES,
    SCHEMA_OF_TOPIC,
    SCHEMAS,
    read_yaml,
    sample,
    samples_of,
)

# schemas/3.1.0.json of the npm package @asyncapi/specs 6.11.1 (Apache-2.0, see NOTICE), compressed.
SPECIFICATION = Path(__file__).with_name("asyncapi-3.1.0.json.gz")
SPECIFICATION_SHA256 = "51d3274899ad2875f25c18fd1aef4d5512f0a97be785d519740bde55a4162f61"


@pytest.fixture(scope="module")
def specification() -> Draft7Validator:
    content = gzip.decompress(SPECIFICATION.read_bytes())
    assert hashlib.sha256(content).hexdigest() == SPECIFICATION_SHA256
    return Draft7Validator(json.loads(content))


@pytest.fixture
def document() -> Any:
    return read_yaml("asyncapi.yaml")


def test_the_document_is_valid_asyncapi_3_1(specification: Draft7Validator, document: Any) -> None:
    assert document["asyncapi"] == "3.1.0"

    assert [f"{fault.json_path}: {fault.message}" for fault in specification.iter_errors(document)] == []


@pytest.mark.parametrize("broken", ["info", "asyncapi"])
def test_a_document_without_a_required_field_is_invalid(
    specification: Draft7Validator, document: Any, broken: str
) -> None:
    del document[broken]

    assert list(specification.iter_errors(document))


def test_a_document_with_an_unknown_field_is_invalid(specification: Draft7Validator, document: Any) -> None:
    document["channels"]["milestones"]["adress"] = "milestones"

    assert list(specification.iter_errors(document))


def test_every_reference_has_a_target(document: Any) -> None:
    for reference in references(document):
        if reference.startswith("#/"):
            target: Any = document
            for step in reference[2:].split("/"):
                target = target[step]
        else:
            assert (CONTRACT / reference).is_file(), reference


def test_topics_yaml_and_the_document_name_the_same_topics_with_the_same_settings(document: Any) -> None:
    listed = {topic["name"]: topic for topic in read_yaml("topics.yaml")}
    channels = {channel["address"]: channel["bindings"]["kafka"] for channel in document["channels"].values()}

    assert set(listed) == set(channels) == set(SCHEMA_OF_TOPIC)
    for name, kafka in channels.items():
        assert kafka["topic"] == name
        assert kafka["partitions"] == listed[name]["partitions"]
        for setting, value in kafka["topicConfiguration"].items():
            documented = value[0] if isinstance(value, list) else str(value)
            assert listed[name]["config"][setting] == documented, (name, setting)


def test_every_topic_is_written_by_one_service_and_its_messages_have_its_schema(document: Any) -> None:
    for key, channel in document["channels"].items():
        senders = [
            operation
            for operation in document["operations"].values()
            if operation["action"] == "send" and operation["channel"]["$ref"] == f"#/channels/{key}"
        ]
        assert len(senders) == 1, key
        first = next(iter(channel["messages"].values()))["$ref"].rpartition("/")[2]
        schema = document["components"]["messages"][first]["payload"]["schema"]
        assert references(schema)[0] == f"schemas/{SCHEMA_OF_TOPIC[channel['address']]}.json"


def test_every_type_of_event_has_a_message_whose_payload_is_that_type_only(document: Any) -> None:
    names = document["channels"]["participantEvents"]["messages"]
    accepted = {
        name: {event["type"] for event in samples_of("participant-events") if fits(document, name, event)}
        for name in names
    }

    types = SCHEMAS["participant-event"]["properties"]["type"]["enum"]
    assert sorted(accepted.values(), key=min) == sorted(({name} for name in types), key=min)


def test_a_message_names_the_schema_of_its_data(document: Any) -> None:
    event = sample("participant-events/v1/registered.json")
    del event["data"]["channel"]

    assert not fits(document, "registered", event)


def fits(document: Any, message: str, event: object) -> bool:
    """Return whether an event is a valid payload of a message."""
    schema = document["components"]["messages"][message]["payload"]["schema"]
    return Draft202012Validator(schema, registry=REGISTRIES["write"]).is_valid(event)


def test_the_access_of_each_service_is_that_of_its_operations(document: Any) -> None:
    listed = {topic["name"]: topic for topic in read_yaml("topics.yaml")}
    for key, channel in document["channels"].items():
        access: dict[str, set[str]] = {"send": set(), "receive": set()}
        for name, operation in document["operations"].items():
            if operation["channel"]["$ref"] == f"#/channels/{key}":
                access[operation["action"]].add(re.split("[A-Z]", name)[0])
        topic = listed[channel["address"]]
        assert access["send"] == {topic["writer"]}, key
        assert access["receive"] == set(topic["readers"]), key


def references(value: Any) -> list[str]:
    """Return every $ref inside a value."""
    if isinstance(value, list):
        return [found for item in value for found in references(item)]
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [found for item in value.values() for found in references(item)]
    return []
