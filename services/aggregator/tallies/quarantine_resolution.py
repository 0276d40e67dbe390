"""Counts a quarantined event after all, once, or passes over one that cannot be had."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from aggregator.domain.counting import TallyChanges, fold, roll_up
from aggregator.domain.event import BadEvent, Change, Event, QuarantineReason, read_event
from aggregator.tallies.postgres_tally_store import QUERIES, count_arguments

if TYPE_CHECKING:
    import asyncpg


class ResolutionOutcome(Enum):
    """What a command came to."""

    APPLIED = "applied"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    """No event of this partition and sequence is quarantined."""
    SETTLED = "settled"
    """It was applied or skipped before."""
    STILL_BAD = "still_bad"
    """The event as given cannot be counted."""
    NOT_NEXT = "not_next"
    """The position is not just below this sequence."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """An outcome, with the reason where there is one to tell."""

    outcome: ResolutionOutcome
    detail: str = ""


class _GivenChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    time: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def change_from_file(path: Path, partition: int, sequence: int) -> Event:
    """The event that a file describes: `{"time": …, "before": standing or null, "after": standing or null}`.

    Raises msgspec.ValidationError or msgspec.DecodeError.
    """
    given = msgspec.json.decode(path.read_bytes(), type=_GivenChange)
    change = msgspec.convert({"before": given.before, "after": given.after}, type=Change)
    return Event(partition, sequence, given.time, change)


async def apply(
    pool: asyncpg.Pool[Any], partition: int, sequence: int, value: Event | bytes | None, note: str
) -> Resolution:
    """Count the quarantined event as `value` says: a record's bytes, or an event made from a file."""
    row = await QUERIES.quarantined(pool, partition=partition, sequence=sequence)
    if row is None:
        return Resolution(ResolutionOutcome.UNKNOWN)
    if row["state"] != "quarantined":
        return Resolution(ResolutionOutcome.SETTLED, row["state"])
    event = value if isinstance(value, Event) else read_event(value, partition)
    if isinstance(event, BadEvent):
        return Resolution(ResolutionOutcome.STILL_BAD, event.reason.value)
    if isinstance(event, QuarantineReason):
        return Resolution(ResolutionOutcome.STILL_BAD, event.value)
    alone = fold(sequence - 1, [(row["kafka_offset"], event)])
    if alone.quarantined or not alone.moved:
        reasons = [bad.reason.value for bad in alone.quarantined]
        return Resolution(ResolutionOutcome.STILL_BAD, reasons[0] if reasons else "another_sequence")
    sums = roll_up([alone])
    applied = await QUERIES.apply(
        pool,
        partition=partition,
        sequence=sequence,
        note=note,
        changes=_as_json(sums),
        **count_arguments(sums),
    )
    return Resolution(ResolutionOutcome.APPLIED if applied else ResolutionOutcome.SETTLED)


async def skip(pool: asyncpg.Pool[Any], partition: int, sequence: int, note: str) -> Resolution:
    """Move the position over one event, which is then named as not counted."""
    skipped = await QUERIES.skip(pool, partition=partition, sequence=sequence, note=note)
    return Resolution(ResolutionOutcome.SKIPPED if skipped else ResolutionOutcome.NOT_NEXT)


def _as_json(sums: TallyChanges) -> str:
    return msgspec.json.encode(
        {
            "tallies": [[*cell, delta] for cell, delta in sorted(sums.changes.items())],
            "minutes": [[*cell, delta] for cell, delta in sorted(sums.minutes.items())],
        }
    ).decode()
