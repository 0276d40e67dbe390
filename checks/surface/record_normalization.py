"""Normalizes the records of each topic, so that two runs of the same operations give the same lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from checks.surface.placeholders import UUID_TEXT, replaced, text_replaced

PARTITIONS: Final = 12
Names = Mapping[str, str]
"""The names of participants by their ids."""


@dataclass(frozen=True)
class Record:
    """A record as a consumer receives it."""

    partition: int
    offset: int
    key: str | None
    value: str | None
    headers: tuple[tuple[str, str], ...] = ()

    def json(self) -> Any:
        """Return the parsed value; None if the value is not JSON."""
        try:
            return json.loads(self.value or "")
        except json.JSONDecodeError:
            return None


def events(records: Iterable[Record], names: Names) -> list[str]:
    """Return the lines of `participant-events`: each event once, by participant and revision.

    Records that are no event come last. Partition and sequence depend on the random participant id, so each
    is replaced by a word that says whether it is correct.
    """
    lines: list[tuple[tuple[str, int, str], str]] = []
    highest: dict[int, int] = {}
    seen: set[tuple[int, str | None]] = set()
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        if (record.partition, record.value) in seen:  # the relay may publish an event twice
            continue
        seen.add((record.partition, record.value))
        value = _with_checked_position(record, highest)
        line = _line(record, _key(record.key, names), replaced(value, names), _partition(record))
        lines.append((_order(value, names, line), line))
    return [line for _, line in sorted(lines)]


def _with_checked_position(record: Record, highest: dict[int, int]) -> Any:
    """Return an event with its partition and sequence checked and replaced, or any other value unchanged."""
    value = record.json()
    if not isinstance(value, dict) or "sequence" not in value:
        return record.value if value is None else value
    before = highest.setdefault(record.partition, 0)
    highest[record.partition] = max(before, value["sequence"])
    order = "next" if value["sequence"] == before + 1 else "repeat" if value["sequence"] <= before else "gap"
    partition = "<own>" if value.get("partition") == record.partition else value.get("partition")
    return {**value, "partition": partition, "sequence": f"<{order}>"}


def _partition(record: Record) -> str:
    """Say whether the record is in the partition of the participant id in its key."""
    if record.key is None or not UUID_TEXT.fullmatch(record.key):
        return "<any>"
    return "<of the key>" if partition_of(record.key) == record.partition else "<wrong>"


def partition_of(participant_id: str) -> int:
    """Return the partition of a participant by the contract: the last four bytes of its id, modulo 12."""
    return (UUID(participant_id).int & 0xFFFFFFFF) % PARTITIONS


def _order(value: Any, names: Names, line: str) -> tuple[str, int, str]:
    if isinstance(value, dict) and value.get("subject") in names:
        return names[value["subject"]], value["data"]["revision"], line
    return "~", 0, line


def last_cut(records: Sequence[Record], names: Names) -> list[str]:
    """Return the lines of `region-counts`: the last full record (all its parts) and the last change."""
    read = [(record, record.json()) for record in records]
    fulls = [index for index, (_, value) in enumerate(read) if value["kind"] == "full"]
    first_part = fulls[-1] - read[fulls[-1]][1]["part"]
    parts = read[first_part : first_part + read[first_part][1]["parts"]]
    changes = [pair for pair in read if pair[1]["kind"] == "change"]
    return [
        _line(record, record.key, replaced(_cut(value), names)) for record, value in [*parts, *changes[-1:]]
    ]


def _cut(value: dict[str, Any]) -> dict[str, Any]:
    base = "<cut>" if value["base"] == value["cut"] else value["base"] and "<an earlier cut>"
    return {
        **value,
        "cut": "<cut>",
        "term": "<term>",
        "base": base,
        "positions": _summed(value["positions"]),
        "next_offsets": f"<offsets of {len(value['next_offsets'])} partitions>",
        "quarantined_ranges": [
            ["<partition>", "<sequence>", f"<{last - first} above the first>"]
            for _, first, last in value["quarantined_ranges"]
        ],
        "full_offset": "<offset>" if value["full_offset"] >= 0 else value["full_offset"],
        "rows": sorted(value["rows"]),
    }


BY_MINUTE: Final = {"term": "<term>", "from": "<cut>", "to": "<cut>", "late": "<late>"}
"""The fields of a minute that differ from run to run."""


def minutes(records: Iterable[Record]) -> list[str]:
    """Return the lines of `region-minutes`: the sum over all minutes for each scope and region."""
    newest = {record.key: record for record in records}
    lines = []
    for scope, of_scope in sorted(_by_scope(newest.values()).items()):
        growth: dict[str, int] = {}
        for record in of_scope:
            for region, count in record.json()["rows"]:
                growth[region] = growth.get(region, 0) + count
        value = of_scope[-1].json()
        key = f"{scope}|<minute>" if of_scope[-1].key == f"{scope}|{value['minute']}" else of_scope[-1].key
        rows = sorted([region, count] for region, count in growth.items() if count)
        lines.append(_line(of_scope[-1], key, replaced({**value, **BY_MINUTE, "rows": rows}, {})))
    return lines


def _by_scope(records: Iterable[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records:
        if record.value is not None:
            found.setdefault(record.json()["scope"], []).append(record)
    return found


def register_state(records: Sequence[Record], names: Names) -> list[str]:
    """Return the line of `register-state`: its newest record."""
    value = records[-1].json()
    unstable = {"cut": "<cut>", "duration_ms": "<milliseconds>", "age_s": "<seconds>"}
    audit = value["audit"] and {**value["audit"], **unstable}
    positions = {name: _summed(value[name]) for name in ("last_sequence", "published")}
    # Whether a minute was audited yet, and could be, depends on the time at which the operations ran.
    growth = {"growth_audit": "<growth audit>"}
    shown = {**value, "term": "<term>", **positions, "audit": audit, **growth}
    return [_line(records[-1], records[-1].key, replaced(shown, names))]


def register_days(records: Iterable[Record]) -> list[str]:
    """Return the lines of `register-days`: the newest record of each scope."""
    newest = {record.key: record for record in records}.values()
    return [
        _line(record, record.key, {**record.json(), "term": "<term>", "day": "<day>"}) for record in newest
    ]


def plain(records: Iterable[Record], names: Names) -> list[str]:
    """Return the lines of a topic without special rules, in topic order."""
    return [
        _line(record, _key(record.key, names), replaced(record.json() or record.value, names))
        for record in records
    ]


def milestones(records: Iterable[Record], names: Names) -> list[str]:
    """Return the lines of `milestones` in topic order."""
    return [
        _line(record, _key(record.key, names), replaced(record.json() | _hidden_cut(record), names))
        for record in records
    ]


def _hidden_cut(record: Record) -> dict[str, str]:
    return {} if record.key == "rules" else {"cut": "<cut>"}


def _summed(positions: Sequence[int]) -> str:
    return f"<{sum(positions)} in {len(positions)} partitions>"


def _key(key: str | None, names: Names) -> str | None:
    return None if key is None else text_replaced(key, names)


def _line(record: Record, key: str | None, value: Any, partition: str | int | None = None) -> str:
    """Return a line of JSON; the fields of the value keep their order on the topic."""
    shown = {
        "key": key,
        "partition": record.partition if partition is None else partition,
        "headers": record.headers,
        "value": value,
    }
    return json.dumps(shown, ensure_ascii=False)


def lines_of(topic: str, records: Sequence[Record], names: Names) -> Iterator[str]:
    """Return the normalized lines of a topic."""
    match topic:
        case "participant-events":
            yield from events(records, names)
        case "region-counts":
            yield from last_cut(records, names)
        case "region-minutes":
            yield from minutes(records)
        case "register-state":
            yield from register_state(records, names)
        case "register-days":
            yield from register_days(records)
        case "milestones":
            yield from milestones(records, names)
        case _:
            yield from plain(records, names)
