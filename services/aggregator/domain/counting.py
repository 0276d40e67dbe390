"""How events become counts: exactly those next in sequence, summed by standing, then rolled up.

Pure: no I/O, no clock. A region's ancestors are the prefixes of its code; no list is consulted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeVar

from aggregator.domain.event import (
    SCOPE_ID,
    SCOPE_LENGTH_MAX,
    BadEvent,
    Event,
    Placed,
    QuarantineReason,
    Standing,
)

K = TypeVar("K")

PARTITIONS: Final = 12
KELURAHAN: Final = re.compile(r"31\.\d{2}\.\d{2}\.\d{4}", re.ASCII)
ELSEWHERE: Final = "31.00"
MINUTE: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", re.ASCII)
MINUTE_LENGTH: Final = 16
REGISTERED: Final = "registered"

Cell = tuple[str, str, str]
"""(scope, region, measure)"""
MinuteCell = tuple[datetime, str, str]
"""(minute, scope, region)"""
Leaf = tuple[str, Standing]
"""(minute as text, standing)"""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An event the position moved over without counting it."""

    sequence: int
    offset: int
    reason: QuarantineReason


@dataclass(frozen=True, slots=True)
class Fold:
    """What a batch of one partition comes to from a position on."""

    position: int
    last: int
    """The position after the batch; equal to `position` where nothing in it was next."""
    next_offset: int | None = None
    """Where to read on: just above the last event that was next, None where none was."""
    leaves: Mapping[Leaf, int] = field(default_factory=dict)
    """How often each standing came, less how often it went, by minute."""
    gap: int | None = None
    """The lowest sequence met that lies beyond what is next after the batch; None: no gap."""
    quarantined: tuple[Quarantined, ...] = ()
    counted: int = 0
    passed: int = 0
    """Repeats and events beyond a gap: they changed nothing."""

    @property
    def moved(self) -> bool:
        """Whether the position moves."""
        return self.last != self.position


@dataclass(frozen=True, slots=True)
class TallyChanges:
    """What batches change, by scope, region and measure, and by minute, for all regions around; no zeros."""

    changes: Mapping[Cell, int] = field(default_factory=dict)
    minutes: Mapping[MinuteCell, int] = field(default_factory=dict)


def fold(position: int, events: Sequence[Placed], set_aside: Collection[int] = ()) -> Fold:
    """Sum the standings of the events that come next in sequence.

    Repeats, even twice inside one batch, and events beyond a gap change nothing; the lowest sequence still
    beyond a gap at the end is reported. A bad event that is next is passed over and named. Sequences in
    `set_aside` (dealt with before: quarantined, applied or skipped) are passed over without being counted,
    whether or not their events are still there.
    """
    if events and not set_aside and (whole := _fold_contiguous(position, events)) is not None:
        return whole
    last = skip_settled(position, set_aside)
    next_offset: int | None = None
    leaves: dict[Leaf, int] = {}
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
        reason = event.reason if isinstance(event, BadEvent) else apply_event(event, leaves)
        if reason is None:
            counted += 1
        else:
            quarantined.append(Quarantined(sequence, offset, reason))
        if set_aside:
            last = skip_settled(last, set_aside)
    # One that is next by now was met too early; in an ordered stream sent again it follows.
    gap = min((sequence for sequence in beyond if sequence > last + 1), default=None)
    return Fold(position, last, next_offset, leaves, gap, tuple(quarantined), counted, passed)


def _fold_contiguous(position: int, events: Sequence[Placed]) -> Fold | None:
    """The fold of events that all come next and can all be counted; None where there may be anything else.

    The same as one event after another, at three quarters of its cost: the sums are made in C.
    """
    some = [event for _, event in events]
    last = position + len(some)
    if [event.sequence for event in some] != list(range(position + 1, last + 1)):
        return None
    good = [event for event in some if isinstance(event, Event)]
    times = [event.time for event in good]
    if len(good) < len(some) or {time[-1:] for time in times} != {"Z"}:
        return None
    minutes = [time[:MINUTE_LENGTH] for time in times]
    changes = [event.data for event in good]
    leaves: dict[Leaf, int] = {}
    for sign, sides in ((1, [one.after for one in changes]), (-1, [one.before for one in changes])):
        for (minute, standing), number in Counter(zip(minutes, sides, strict=True)).items():
            if standing is None:
                continue
            if uncountable(minute, standing) is not None:
                return None
            leaf = (minute, standing)
            leaves[leaf] = leaves.get(leaf, 0) + sign * number
    return Fold(position, last, events[-1][0] + 1, leaves, counted=len(some))


def skip_settled(position: int, set_aside: Collection[int]) -> int:
    """The position after those set aside that come next."""
    while position + 1 in set_aside:
        position += 1
    return position


def apply_event(event: Event, leaves: dict[Leaf, int]) -> QuarantineReason | None:
    """Add one event to the leaves, whole or, for a reason, not at all."""
    time = event.time
    minute = time[:MINUTE_LENGTH]
    before, after = event.data.before, event.data.after
    if time[-1:] != "Z":
        return QuarantineReason.BAD_TIME
    # A leaf seen before was found countable then.
    added = None if after is None else (minute, after)
    taken = None if before is None else (minute, before)
    if added is not None and added not in leaves and (reason := uncountable(minute, added[1])):
        return reason
    if taken is not None and taken not in leaves and (reason := uncountable(minute, taken[1])):
        return reason
    if added is not None:
        leaves[added] = leaves.get(added, 0) + 1
    if taken is not None:
        leaves[taken] = leaves.get(taken, 0) - 1
    return None


def uncountable(minute: str, standing: Standing) -> QuarantineReason | None:
    """Why a standing in a minute cannot be counted, None where it can."""
    if minute_of(minute) is None:
        return QuarantineReason.BAD_TIME
    for scope_id in (standing.agency, standing.campaign):
        # Too long a text is cut off where it is too long already: what is remembered stays small.
        if scope_id is not None and not _is_scope(scope_id[: SCOPE_LENGTH_MAX + 1]):
            return QuarantineReason.BAD_SCOPE
    return None


@lru_cache(maxsize=4096)
def _is_scope(scope_id: str) -> bool:
    return SCOPE_ID.fullmatch(scope_id) is not None


def roll_up(folds: Iterable[Fold], oldest_minute: datetime | None = None) -> TallyChanges:
    """Sum the standings of several partitions and roll them up to the regions around, once for all.

    Minutes before `oldest_minute` are not counted by minute.
    """
    leaves: dict[Leaf, int] = {}
    for one in folds:
        if not leaves:
            leaves.update(one.leaves)
            continue
        for leaf, number in one.leaves.items():
            leaves[leaf] = leaves.get(leaf, 0) + number
    standings: dict[Standing, int] = {}
    flat_minutes: dict[tuple[str, str, str], int] = {}
    for (minute, standing), number in leaves.items():
        standings[standing] = standings.get(standing, 0) + number
        for scope in scopes_of(standing):
            key = (minute, scope, standing.region)
            flat_minutes[key] = flat_minutes.get(key, 0) + number
    return TallyChanges(
        _without_zeros(_changes(standings)), _without_zeros(_minutes(flat_minutes, oldest_minute))
    )


def _changes(standings: Mapping[Standing, int]) -> dict[Cell, int]:
    flat: dict[Cell, int] = {}
    for standing, number in standings.items():
        measures = [REGISTERED, *{f"step:{step}" for step in standing.steps}]
        for scope in scopes_of(standing):
            for measure in measures:
                cell = (scope, standing.region, measure)
                flat[cell] = flat.get(cell, 0) + number
    changes: dict[Cell, int] = {}
    for (scope, region, measure), number in flat.items():
        for ancestor in regions_of(region):
            cell = (scope, ancestor, measure)
            changes[cell] = changes.get(cell, 0) + number
    return changes


def _minutes(flat: Mapping[tuple[str, str, str], int], oldest: datetime | None) -> dict[MinuteCell, int]:
    minutes: dict[MinuteCell, int] = {}
    for (text, scope, region), number in flat.items():
        minute = minute_of(text)
        assert minute is not None, "a leaf with a minute that is none"
        if oldest is not None and minute < oldest:
            continue
        for ancestor in regions_of(region):
            cell = (minute, scope, ancestor)
            minutes[cell] = minutes.get(cell, 0) + number
    return minutes


def _without_zeros(sums: Mapping[K, int]) -> dict[K, int]:
    return {key: number for key, number in sums.items() if number}


def scopes_of(standing: Standing) -> tuple[str, ...]:
    """The scopes a standing counts in: all, and those of its agency and campaign."""
    if standing.agency is None:
        return ("all",) if standing.campaign is None else ("all", f"campaign:{standing.campaign}")
    if standing.campaign is None:
        return ("all", f"agency:{standing.agency}")
    return ("all", f"agency:{standing.agency}", f"campaign:{standing.campaign}")


# Room for every village there is, some 83,000: below that each of them is looked at anew, time after time.
@lru_cache(maxsize=131_072)
def regions_of(code: str) -> tuple[str, ...]:
    """A kelurahan's code and its prefixes; a code of another shape counts under 31.00, a child of 31."""
    if KELURAHAN.fullmatch(code) is None:
        return (ELSEWHERE, "31")
    return (code, code[:8], code[:5], "31")


@lru_cache(maxsize=4096)
def minute_of(text: str) -> datetime | None:
    """The minute of a time's first 16 characters, None where they are none."""
    if MINUTE.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None
