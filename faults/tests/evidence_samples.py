"""Small pieces of evidence, each as the campaign would read it from a healthy system."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from faults.evidence import Participant, Stored, Topic
from faults.invariants.counts import Cell, Truth

KELURAHAN = "31.71.01.1001"
ELSEWHERE = "31.72.02.1003"


def event(partition: int, sequence: int, after: str | None = KELURAHAN, before: str | None = None) -> str:
    """A value of participant-events: somebody is now in `after` who was in `before`."""
    return json.dumps(
        {
            "id": event_id(partition, sequence),
            "partition": partition,
            "sequence": sequence,
            "data": {"before": _standing(before), "after": _standing(after)},
        }
    )


def event_id(partition: int, sequence: int) -> str:
    """The id of an event."""
    return f"event-{partition}-{sequence}"


def _standing(region: str | None) -> dict[str, Any] | None:
    return None if region is None else {"region": region, "agency": None, "campaign": None, "steps": []}


def stored(values: Mapping[int, Sequence[str]], **changed: Any) -> Stored:
    """What the database holds once just these events happened and all are counted."""
    held = Stored(
        participants={},
        last_sequences={partition: len(texts) for partition, texts in values.items()},
        events={
            (partition, sequence): event_id(partition, sequence)
            for partition, texts in values.items()
            for sequence in range(1, len(texts) + 1)
        },
        values={partition: list(texts) for partition, texts in values.items()},
        tallies={cell: count for cell, count in Truth(values).final.items() if count},
        quarantined=0,
        latches=[],
        alerts=[],
    )
    for name, value in changed.items():
        setattr(held, name, value)
    return held


def participant(region: str = KELURAHAN, *, imported: bool = False) -> Participant:
    """Somebody just registered."""
    return Participant(region, 1, "registered", (), imported)


def topic(*values: str, partition: int = 0) -> Topic:
    """A topic's records in one partition."""
    return Topic({partition: [value.encode() for value in values]})


def cut(
    number: int,
    positions: Sequence[int],
    counts: Mapping[Cell, int],
    *,
    term: int = 1,
    base: int | None = None,
) -> str:
    """A record of region-counts: a change on `base`, or a full cut where there is none."""
    return json.dumps(
        {
            "term": term,
            "cut": number,
            "kind": "full" if base is None else "change",
            "base": base,
            "positions": list(positions),
            "rows": [[*cell, count] for cell, count in counts.items()],
        }
    )
