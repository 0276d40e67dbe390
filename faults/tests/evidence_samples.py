"""Samples of the evidence that the campaign would read from a correct system."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from faults.invariants.counts import ExpectedCounts
from faults.invariants.independent_cut_reader import Cell
from faults.observation.evidence import DatabaseContents, Participant, TopicRecords

KELURAHAN = "31.71.01.1001"
OTHER_KELURAHAN = "31.72.02.1003"


def event(partition: int, sequence: int, after: str | None = KELURAHAN, before: str | None = None) -> str:
    """Return a record value of participant-events: a participant moves from `before` to `after`."""
    return json.dumps(
        {
            "id": event_id(partition, sequence),
            "partition": partition,
            "sequence": sequence,
            "data": {"before": _standing(before), "after": _standing(after)},
        }
    )


def event_id(partition: int, sequence: int) -> str:
    """Return the id of an event."""
    return f"event-{partition}-{sequence}"


def _standing(region: str | None) -> dict[str, Any] | None:
    return None if region is None else {"region": region, "agency": None, "campaign": None, "steps": []}


def database(values: Mapping[int, Sequence[str]], **changed: Any) -> DatabaseContents:
    """Return the contents of a database that has counted all `values`; `changed` replaces fields."""
    contents = DatabaseContents(
        participants={},
        last_sequences={partition: len(texts) for partition, texts in values.items()},
        events={
            (partition, sequence): event_id(partition, sequence)
            for partition, texts in values.items()
            for sequence in range(1, len(texts) + 1)
        },
        values={partition: list(texts) for partition, texts in values.items()},
        tallies={cell: count for cell, count in ExpectedCounts(values).final.items() if count},
        quarantined=0,
        latches=[],
        alerts=[],
        attempts={},
        kept_cut="0.0",
        kept_cut_age_s=60.0,
        day_start=(0,) * len(values),
    )
    for name, value in changed.items():
        setattr(contents, name, value)
    return contents


def participant(region: str = KELURAHAN, *, imported: bool = False) -> Participant:
    """Return a participant who has just registered."""
    return Participant(region, 1, "registered", (), imported)


def topic(*values: str, partition: int = 0) -> TopicRecords:
    """Return a topic with records in one partition."""
    return TopicRecords({partition: [value.encode() for value in values]})


def cut(
    number: int,
    positions: Sequence[int],
    counts: Mapping[Cell, int],
    *,
    term: int = 1,
    base: int | None = None,
    as_of: str = "2021-10-24T12:00:00Z",
) -> str:
    """Return a record of region-counts: a change from the cut `base`, or a full record if `base` is None."""
    return json.dumps(
        {
            "term": term,
            "cut": number,
            "as_of": as_of,
            "kind": "full" if base is None else "change",
            "base": base,
            "positions": list(positions),
            "rows": [[*cell, count] for cell, count in counts.items()],
        }
    )
