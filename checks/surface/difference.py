"""Lists the differences between the current surface and a recording."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from itertools import islice, zip_longest
from typing import Any, Final

LINES_SHOWN_MAX: Final = 200
VALUE_CHARACTERS_MAX: Final = 200
HEADER_LINES: Final = 3
"""The lines in the header of a unified diff: both file names, and the line numbers of its only hunk."""
ABSENT: Final = object()


def differences(name: str, recorded: str, present: str) -> list[str]:
    """Return a line per difference: its path in JSON and both values, or the changed line of SQL."""
    if recorded == present:
        return []
    if not recorded:
        return [f"{name}: there is no recording"]
    if name.endswith(".jsonl"):
        return list(_record_differences(recorded.splitlines(), present.splitlines()))
    if name.endswith(".json"):
        return list(_value_differences(json.loads(recorded), json.loads(present)))
    return list(_line_differences(recorded.splitlines(), present.splitlines()))


def report(name: str, lines: list[str]) -> str:
    """Return the report on one recording, with at most LINES_SHOWN_MAX differences."""
    shown = lines[:LINES_SHOWN_MAX]
    rest = [f"… and {len(lines) - len(shown)} more lines"] if len(lines) > len(shown) else []
    return "\n".join([f"{name} differs from its recording:", *(f"  {line}" for line in [*shown, *rest])])


def _line_differences(recorded: list[str], present: list[str]) -> Iterator[str]:
    """Yield removed and added lines below their SQL statement, which starts at a line without indentation."""
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


def _record_differences(recorded: list[str], present: list[str]) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, recorded, present, autojunk=False)
    for kind, first, last, present_first, present_last in matcher.get_opcodes():
        if kind == "equal":
            continue
        before, after = recorded[first:last], present[present_first:present_last]
        if len(before) != len(after):
            yield from (f"- record {first + 1 + index}: {line}" for index, line in enumerate(before))
            yield from (f"+ record {present_first + 1 + index}: {line}" for index, line in enumerate(after))
            continue
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            record = f"record {first + 1 + index}"
            found = list(_value_differences(json.loads(old), json.loads(new), record))
            yield from found or [f"~ {record}: the order of its fields"]


def _value_differences(recorded: Any, present: Any, path: str = "") -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(present, dict):
        for key in sorted({*recorded, *present}):
            inner = f"{path} > {key}" if path else key
            yield from _item_differences(recorded.get(key, ABSENT), present.get(key, ABSENT), inner)
    elif isinstance(recorded, list) and isinstance(present, list):
        pairs = zip_longest(recorded, present, fillvalue=ABSENT)
        for index, (before, after) in enumerate(pairs):
            yield from _item_differences(before, after, f"{path}[{index}]")
    elif json.dumps(recorded) != json.dumps(present):  # == would find True and 1 equal
        yield f"~ {path}: {_shown(recorded)} -> {_shown(present)}"


def _item_differences(recorded: Any, present: Any, path: str) -> Iterator[str]:
    if present is ABSENT:
        yield f"- {path}: {_shown(recorded)}"
    elif recorded is ABSENT:
        yield f"+ {path}: {_shown(present)}"
    else:
        yield from _value_differences(recorded, present, path)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= VALUE_CHARACTERS_MAX else f"{text[:VALUE_CHARACTERS_MAX]} …"
