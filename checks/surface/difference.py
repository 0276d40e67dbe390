"""Finds where the present surface differs from a recording."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final

LINES_SHOWN_MAX: Final = 200
VALUE_CHARACTERS_MAX: Final = 200
ABSENT: Final = object()


def differences(name: str, recorded: str, present: str) -> list[str]:
    """A line for each difference: of JSON its path with both values, of other text a unified diff."""
    if recorded == present:
        return []
    if not recorded:
        return [f"{name}: nothing is recorded"]
    if name.endswith(".json"):
        return list(_of_values(json.loads(recorded), json.loads(present)))
    diff = difflib.unified_diff(recorded.splitlines(), present.splitlines(), "recorded", "present", "", "", 1)
    return [line.rstrip("\n") for line in diff]


def report(name: str, lines: list[str]) -> str:
    """The differences of one recording for a reader, the longest list cut short."""
    shown = lines[:LINES_SHOWN_MAX]
    rest = [f"… and {len(lines) - len(shown)} more lines"] if len(lines) > len(shown) else []
    return "\n".join([f"{name} differs from its recording:", *(f"  {line}" for line in [*shown, *rest])])


def _of_values(recorded: Any, present: Any, path: str = "") -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(present, dict):
        for key in sorted({*recorded, *present}):
            inner = f"{path} > {key}" if path else key
            yield from _of_places(recorded.get(key, ABSENT), present.get(key, ABSENT), inner)
    elif isinstance(recorded, list) and isinstance(present, list):
        pairs = zip_longest(recorded, present, fillvalue=ABSENT)
        for index, (before, after) in enumerate(pairs):
            yield from _of_places(before, after, f"{path}[{index}]")
    elif json.dumps(recorded) != json.dumps(present):  # Python takes true and 1 for the same
        yield f"~ {path}: {_shown(recorded)} -> {_shown(present)}"


def _of_places(recorded: Any, present: Any, path: str) -> Iterator[str]:
    if present is ABSENT:
        yield f"- {path}: {_shown(recorded)}"
    elif recorded is ABSENT:
        yield f"+ {path}: {_shown(present)}"
    else:
        yield from _of_values(recorded, present, path)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= VALUE_CHARACTERS_MAX else f"{text[:VALUE_CHARACTERS_MAX]} …"
