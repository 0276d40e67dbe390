"""Compares the interfaces in two surfaces, each by its version."""

from __future__ import annotations

import json
from typing import Any, Final

from checks.surface.compatibility import openapi_changes, topic_changes
from checks.surface.recordings import Files

REMEDY: Final = (
    "Keep what clients use and add the new part beside it, or publish a new version: "
    "raise the major version of the document."
)


def breaking_changes(recorded: Files, present: Files) -> list[str]:
    """Return a line for each change that breaks clients of an interface whose major version is the same."""
    return [*_openapi(recorded, present), *_contract(recorded, present)]


def _openapi(recorded: Files, present: Files) -> list[str]:
    old, new = _documents(recorded, "openapi.json"), _documents(present, "openapi.json")
    lines = []
    for service, interface in old.items():
        if interface is None:
            continue
        if not new.get(service):
            lines.append(f"{service}: removed")
        elif _major(interface["document"]) == _major(new[service]["document"]):
            found = openapi_changes.breaking_changes(interface["document"], new[service]["document"])
            lines += [f"{service} {line}" for line in found]
    return lines


def _contract(recorded: Files, present: Files) -> list[str]:
    old, new = _documents(recorded, "contract.json"), _documents(present, "contract.json")
    if not old or _major(old[topic_changes.FILE]) != _major(new[topic_changes.FILE]):
        return []
    return topic_changes.breaking_changes(old, new)


def _documents(files: Files, name: str) -> dict[str, Any]:
    """Return the content of a file of a surface; empty if it is not recorded yet."""
    content: dict[str, Any] = json.loads(files.get(name) or "{}")
    return content


def _major(document: Any) -> str:
    version: str = document["info"]["version"]
    return version.partition(".")[0]
