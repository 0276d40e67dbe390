"""Reads the files of `contract/`: schemas, samples, topics and the AsyncAPI document."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "contract"
SCHEMAS = {
    file.stem: json.loads(file.read_text("utf-8")) for file in sorted((CONTRACT / "schemas").glob("*.json"))
}
SAMPLES = {
    str(file.relative_to(CONTRACT / "samples")): file
    for file in sorted((CONTRACT / "samples").glob("*/v1/*.json"))
}
SCHEMA_OF_TOPIC = {
    "participant-events": "participant-event",
    "region-counts": "region-counts",
    "region-minutes": "region-minutes",
    "register-state": "register-state",
    "register-days": "register-days",
    "milestones": "milestone",
}
RULES_SAMPLE = "milestones/v1/rules.json"


def closed(schema: Any) -> Any:
    """Return a schema by which every object has only the listed fields: what our services may write."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(item) for key, item in schema.items()}
    lists_fields = schema.get("type") == "object" and "properties" in schema
    return inner | ({"additionalProperties": False} if lists_fields else {})


def registry_of(schemas: Mapping[str, Any]) -> Registry[Any]:
    """Return schemas by the path of their file below `contract/`."""
    return Registry().with_resources(
        (f"schemas/{name}.json", Resource.from_contents(schema)) for name, schema in schemas.items()
    )


Use = Literal["read", "write"]
REGISTRIES: dict[Use, Registry[Any]] = {"read": registry_of(SCHEMAS), "write": registry_of(closed(SCHEMAS))}

formats = FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.datetime.fromisoformat(value).tzinfo is not None


@formats.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(uuid.UUID(value)) == value


def schema_of(name: str) -> str:
    """Return the name of the schema of a sample."""
    return "milestone-rules" if name == RULES_SAMPLE else SCHEMA_OF_TOPIC[name.split("/")[0]]


@cache
def validator(schema: str, use: Use) -> Draft202012Validator:
    """Return the validator of contract/schemas/<schema>.json. The validator also checks formats."""
    reference = {"$ref": f"schemas/{schema}.json"}
    return Draft202012Validator(reference, registry=REGISTRIES[use], format_checker=formats)


def faults(schema: str, value: object, use: Use = "write") -> list[str]:
    """Return one line per schema violation of a value; empty if our services may write it.

    With `use="read"` they are violations of the published schema, which allows additional fields.
    """
    return [f"{fault.json_path}: {fault.message}" for fault in validator(schema, use).iter_errors(value)]


def sample(name: str) -> Any:
    """Return a sample by its path below contract/samples, for example `milestones/v1/crossed.json`."""
    return json.loads(SAMPLES[name].read_bytes())


def samples_of(topic: str) -> list[Any]:
    """Return every sample of a topic."""
    return [sample(name) for name in SAMPLES if name.startswith(f"{topic}/")]


def read_yaml(name: str) -> Any:
    """Return a parsed YAML document of the contract."""
    return yaml.safe_load((CONTRACT / name).read_text("utf-8"))
