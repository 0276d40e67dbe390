"""Compares two versions of the AsyncAPI document and its JSON schemas: channels, messages and records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from checks.surface.compatibility.schema_documents import resolved, with_absolute_references
from checks.surface.compatibility.schema_inclusion import Change

FILE: Final = "asyncapi.yaml"
SCHEMAS: Final = "schemas/"


def breaking_changes(old: Any, new: Any) -> list[str]:
    """Return a line for each change that breaks readers of the topics.

    Both versions are documents by file name: `asyncapi.yaml` and the files in `schemas/`.
    """
    before, after = (
        {file: with_absolute_references(document, file) for file, document in version.items()}
        for version in (old, new)
    )
    change = Change(before, after, is_read=True)
    removed = [f"{file}: removed" for file in change.old if file not in change.new]
    # Without a file, references to it have no target.
    return removed or list(dict.fromkeys([*_schemas(change), *_channels(change)]))


def _schemas(change: Change) -> Iterator[str]:
    for file, schema in change.old.items():
        if file.startswith(SCHEMAS):
            yield from change.breaks(schema, change.new[file], file)


def _channels(change: Change) -> Iterator[str]:
    channels = change.new[FILE]["channels"]
    for name, channel in change.old[FILE]["channels"].items():
        path = f"channel {name}"
        if name not in channels:
            yield f"{path}: removed"
            continue
        present = channels[name]
        kafka = channel["bindings"]["kafka"], present["bindings"]["kafka"]
        for key, before, after in (
            ("address", channel["address"], present["address"]),
            ("partitions", kafka[0]["partitions"], kafka[1]["partitions"]),
        ):
            if before != after:
                yield f"{path}: {key} {before} -> {after}"
        for key, message in channel["messages"].items():
            if key not in present["messages"]:
                yield f"{path} message {key}: removed"
            else:
                yield from _message(change, message, present["messages"][key], f"{path} message {key}")


def _message(change: Change, old: Any, new: Any, path: str) -> Iterator[str]:
    before, after = resolved(old, change.old), resolved(new, change.new)
    if before.get("contentType") != after.get("contentType"):
        yield f"{path}: contentType {before.get('contentType')} -> {after.get('contentType')}"
    yield from change.breaks(_payload(before), _payload(after), f"{path} payload")
    yield from change.breaks(before.get("headers", {}), after.get("headers", {}), f"{path} headers")
    yield from change.breaks(_key(before), _key(after), f"{path} key")


def _payload(message: Any) -> Any:
    payload = message.get("payload", {})
    return payload["schema"] if "schemaFormat" in payload else payload


def _key(message: Any) -> Any:
    return message.get("bindings", {}).get("kafka", {}).get("key", {})
