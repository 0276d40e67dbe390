"""Resolves an uncounted event. An operator applies the event, which counts it once, or skips it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from aggregator.domain.event import BadEvent, Change, Event, QuarantineReason, read_event
from aggregator.domain.event_fold import fold
from aggregator.domain.roll_up import TallyChanges, roll_up
from aggregator.tallies.postgres_tally_store import count_arguments
from aggregator.tallies.queries import QUERIES

if TYPE_CHECKING:
    import asyncpg


class ResolutionOutcome(Enum):
    """The result of applying or skipping an event."""

    APPLIED = "applied"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    """No event of this partition and sequence is quarantined."""
    SETTLED = "settled"
    """The event was applied or skipped before."""
    STILL_BAD = "still_bad"
    """The given content of the event cannot be counted."""
    NOT_NEXT = "not_next"
    """The partition's position is not the sequence before this event's."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """An outcome. For some outcomes `detail` says more, such as the quarantine reason."""

    outcome: ResolutionOutcome
    detail: str = ""


class _ChangeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def change_from_file(path: Path, partition: int, sequence: int) -> Event:
    """Read an event from a file: `{"before": standing or null, "after": standing or null}`.

    Raises msgspec.DecodeError if the file is not JSON, and msgspec.ValidationError if the JSON is no such
    event.
    """
    content = msgspec.json.decode(path.read_bytes(), type=_ChangeFile)
    change = msgspec.convert({"before": content.before, "after": content.after}, type=Change)
    return Event(partition, sequence, change)


async def apply_event(
    pool: asyncpg.Pool[Any], partition: int, sequence: int, value: Event | bytes | None, note: str
) -> Resolution:
    """Count a quarantined event once.

    `value` is the event's content: the bytes of its record, or an event from a file.
    """
    row = await QUERIES.find_quarantined(pool, partition=partition, sequence=sequence)
    if row is None:
        return Resolution(ResolutionOutcome.UNKNOWN)
    if row["state"] != "quarantined":
        return Resolution(ResolutionOutcome.SETTLED, row["state"])
    event = value if isinstance(value, Event) else read_event(value, partition)
    if isinstance(event, BadEvent):
        return Resolution(ResolutionOutcome.STILL_BAD, event.reason.value)
    if isinstance(event, QuarantineReason):
        return Resolution(ResolutionOutcome.STILL_BAD, event.value)
    event_fold = fold(sequence - 1, [(row["kafka_offset"], event)])
    if event_fold.quarantined or not event_fold.moved:
        reasons = [bad.reason.value for bad in event_fold.quarantined]
        return Resolution(ResolutionOutcome.STILL_BAD, reasons[0] if reasons else "another_sequence")
    tally_changes = roll_up([event_fold])
    applied = await QUERIES.apply_quarantined(
        pool,
        partition=partition,
        sequence=sequence,
        note=note,
        changes=_as_json(tally_changes),
        **count_arguments(tally_changes),
    )
    return Resolution(ResolutionOutcome.APPLIED if applied else ResolutionOutcome.SETTLED)


async def skip_event(pool: asyncpg.Pool[Any], partition: int, sequence: int, note: str) -> Resolution:
    """Move the position past one event, which is then listed as not counted."""
    skipped = await QUERIES.skip_event(pool, partition=partition, sequence=sequence, note=note)
    return Resolution(ResolutionOutcome.SKIPPED if skipped else ResolutionOutcome.NOT_NEXT)


def _as_json(tally_changes: TallyChanges) -> str:
    tallies = [[*cell, delta] for cell, delta in sorted(tally_changes.changes.items())]
    return msgspec.json.encode({"tallies": tallies}).decode()
