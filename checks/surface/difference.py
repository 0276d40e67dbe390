"""Finds where the present surface differs from a recording."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from itertools import islice, zip_longest
from typing import Any, Final

LINES_SHOWN_MAX: Final = 200
VALUE_CHARACTERS_MAX: Final = 200
HEADER_LINES: Final = 3
"""Of a unified diff: both names and the place of its one hunk."""
ABSENT: Final = object()


def differences(name: str, recorded: str, present: str) -> list[str]:
    """Lines that name each difference: its path in JSON and both values, or lines of SQL."""
    if recorded == present:
        return []
    if not recorded:
        return [f"{name}: nothing is recorded"]
    if name.endswith(".jsonl"):
        return list(_of_records(recorded.splitlines(), present.splitlines()))
    if name.endswith(".json"):
        return list(_of_values(json.loads(recorded), json.loads(present)))
    return list(_of_lines(recorded.splitlines(), present.splitlines()))


def report(name: str, lines: list[str]) -> str:
    """The differences of one recording for a reader, the longest list cut short."""
    shown = lines[:LINES_SHOWN_MAX]
    rest = [f"… and {len(lines) - len(shown)} more lines"] if len(lines) > len(shown) else []
    return "\n".join([f"{name} differs from its recording:", *(f"  {line}" for line in [*shown, *rest])])


def _of_lines(recorded: list[str], present: list[str]) -> Iterator[str]:
    """Lines removed and added, below their statement, which begins with a line without indentation."""
    statement = shown = ""
    whole = len(recorded) + len(present)
    for line in islice(difflib.unified_diff(recorded, present, n=whole), HEADER_LINES, None):
        mark, text = line[:1], line[1:]
        if text[:1] not in (" ", ")"):
            statement = text
        if mark in "-+":
            if statement not in (shown, text):
                yield f"in {statement}"
                shown = statement
            yield f"{mark} {text}"


def _of_records(recorded: list[str], present: list[str]) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, recorded, present, autojunk=False)
    for kind, first, last, present_first, present_last in matcher.get_opcodes():
        if kind == "equal":
            continue
        before, after = recorded[first:last], present[present_first:present_last]
        if len(before) != len(after):
            yield from (f"- record {first + 1 + index}: {line}" for index, line in enumerate(before))
            yield from (f"+ record {present_first + 1 + index}: {line}" for index, line in enumerate(after))
            continue
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            place = f"record {first + 1 + index}"
            found = list(_of_values(json.loads(one), json.loads(other), place))
            yield from found or [f"~ {place}: the order of its fields"]


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
