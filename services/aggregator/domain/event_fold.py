"""Counts each event of a partition once, and sums the events by standing.

An event counts only when it is next in sequence. This module does no I/O and reads no clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from aggregator.domain.event import (
    SCOPE_ID,
    SCOPE_LENGTH_MAX,
    BadEvent,
    Event,
    OffsetEvent,
    QuarantineReason,
    Standing,
)

PARTITIONS: Final = 12


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An event that was not counted, although the position moved past it."""

    sequence: int
    offset: int
    reason: QuarantineReason


@dataclass(frozen=True, slots=True)
class Fold:
    """What counting one partition's batch from a position gives: sums, the new position, gap, quarantine."""

    position: int
    last: int
    """The position after the batch; equal to `position` if the batch does not move the position."""
    next_offset: int | None = None
    """The offset after the last event that was next in sequence; None if no event was next."""
    standing_changes: Mapping[Standing, int] = field(default_factory=dict)
    """Per standing, the number of participants who reached it minus those who left it."""
    gap: int | None = None
    """The lowest sequence in the batch that is above `last` + 1; None if there is no gap."""
    quarantined: tuple[Quarantined, ...] = ()
    counted: int = 0
    passed: int = 0
    """The number of events that changed nothing: repeats, and events beyond a gap."""

    @property
    def moved(self) -> bool:
        """Whether the position changes."""
        return self.last != self.position


def fold(position: int, events: Sequence[OffsetEvent], settled: Collection[int] = ()) -> Fold:
    """Sum the standings of the events that come next in sequence.

    Repeats, even within one batch, and events beyond a gap change nothing. If events are still beyond a gap
    at the end of the batch, the result's `gap` is the lowest of their sequences. If the next event cannot be
    counted, the position moves past it, and the result's `quarantined` contains it. `settled` are the
    sequences that were quarantined, applied or skipped earlier. The position moves past each of them without
    counting its event, whether or not that event is in the batch.
    """
    last = skip_settled(position, settled)
    next_offset: int | None = None
    standing_changes: dict[Standing, int] = {}
    beyond: list[int] = []
    quarantined: list[Quarantined] = []
    passed = counted = 0
    for offset, event in events:
        sequence = event.sequence
        if sequence != last + 1:
            passed += 1
            if sequence > last:
                beyond.append(sequence)
            continue
        last = sequence
        next_offset = offset + 1
        reason = event.reason if isinstance(event, BadEvent) else apply_event(event, standing_changes)
        if reason is None:
            counted += 1
        else:
            quarantined.append(Quarantined(sequence, offset, reason))
        if settled:
            last = skip_settled(last, settled)
    # If `last` + 1 is in `beyond`, its event came before the events that precede it. That is no gap: the
    # relay sends events in order, so after those events it sends this event again.
    gap = min((sequence for sequence in beyond if sequence > last + 1), default=None)
    return Fold(position, last, next_offset, standing_changes, gap, tuple(quarantined), counted, passed)


def skip_settled(position: int, settled: Collection[int]) -> int:
    """Return the position after the settled sequences that come next."""
    while position + 1 in settled:
        position += 1
    return position


def apply_event(event: Event, standing_changes: dict[Standing, int]) -> QuarantineReason | None:
    """Add one event to `standing_changes`; if it cannot be counted, change nothing and return the reason."""
    before, after = event.data.before, event.data.after
    # A standing that `standing_changes` contains was checked when it was added. Check only those that it does
    # not contain.
    if after is not None and after not in standing_changes and (reason := uncountable_reason(after)):
        return reason
    if before is not None and before not in standing_changes and (reason := uncountable_reason(before)):
        return reason
    if after is not None:
        standing_changes[after] = standing_changes.get(after, 0) + 1
    if before is not None:
        standing_changes[before] = standing_changes.get(before, 0) - 1
    return None


def uncountable_reason(standing: Standing) -> QuarantineReason | None:
    """Return why a standing cannot be counted; None if it can."""
    for scope_id in (standing.agency, standing.campaign):
        # Truncate the id, so that the cache of `_is_scope` holds no long strings.
        if scope_id is not None and not _is_scope(scope_id[: SCOPE_LENGTH_MAX + 1]):
            return QuarantineReason.BAD_SCOPE
    return None


@lru_cache(maxsize=4096)
def _is_scope(scope_id: str) -> bool:
    return SCOPE_ID.fullmatch(scope_id) is not None
