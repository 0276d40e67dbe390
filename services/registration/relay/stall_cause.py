"""Decides why a partition has stalled: whether the topic lacks its events, or nobody has read them.

Only missing events are sent again. While no worker runs, every position stalls although the topic has all
events, and copies of them would help nobody. But a worker may also have read beyond the place where the next
event is now, if the topic lost records and then got new ones at the same offsets. Therefore a long stall
makes the relay send the last event again, as a probe: a running worker that receives it detects the gap, and
reads again from its stored offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

PROBE_AT_STALL: Final = 3
"""From this stall of a position on, 70 s after the position last moved, each stall causes a probe."""


class StallCause(Enum):
    """Why a counted position does not reach the published position."""

    UNREAD = "unread"  # the topic has the next event, but no worker has counted it yet
    NEXT_MISSING = "next_missing"  # from where workers continue, the topic lacks the event after the position
    TAIL_MISSING = "tail_missing"  # the topic has the next event, but has lost its newest events


@dataclass(frozen=True, slots=True)
class Stall:
    """A partition whose counted position has not reached the published position for some time.

    `number` counts the stalls at this position. `next_offset` is the offset at which workers continue.
    """

    partition: int
    position: int
    published: int
    number: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class InspectedPartition:
    """What the topic has of a stalled partition.

    `has_next` is whether the event after the position is at or above the offset at which workers continue.
    `highest` is the highest sequence among the newest records; 0 without any.
    """

    has_next: bool
    highest: int


def stall_cause(stall: Stall, inspected: InspectedPartition) -> StallCause:
    """Return the cause of a stall."""
    if not inspected.has_next:
        return StallCause.NEXT_MISSING
    if inspected.highest < stall.published:
        return StallCause.TAIL_MISSING
    return StallCause.UNREAD


def rewind_target(stall: Stall, inspected: InspectedPartition) -> int:
    """Return the position to rewind to; the published position if nothing is to be sent again.

    If only the tail is missing, the events that the topic still has are not sent again.
    """
    match stall_cause(stall, inspected):
        case StallCause.NEXT_MISSING:
            return stall.position
        case StallCause.TAIL_MISSING:
            return max(stall.position, inspected.highest)
        case StallCause.UNREAD:
            return stall.published - (stall.number >= PROBE_AT_STALL)


def first_offset_read(stall: Stall, first: int, end: int) -> int:
    """Return the offset at which workers really continue in a partition with these bounds.

    If the topic does not have the offset `next_offset`, workers start at the first retained record.
    """
    return stall.next_offset if first <= stall.next_offset <= end else first
