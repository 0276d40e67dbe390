"""Keeps the newest crossings from the topic milestones, for the board's list and its stream."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

from board.state.next_threshold import MilestoneRules
from cuts.records import UndecodableRecordError

KEPT_MAX: Final = 1000
NEWEST_SHOWN: Final = 5
"""The page shows this many milestones."""
SENT_MAX: Final = 20
"""If more crossings arrive at once, a viewer is sent only the last SENT_MAX. The list has all of them."""


class Crossing(msgspec.Struct, frozen=True):
    """One record of the topic: a crossing, or its retraction."""

    sequence: int
    id: str
    scope: str
    region: str
    rule: str
    measure: str
    threshold: int
    epoch: str
    value: int
    cut: str
    crossed_at: datetime
    state: Literal["crossed", "retracted"]


class _Kind(msgspec.Struct, frozen=True):
    state: str


_kind = msgspec.json.Decoder(_Kind)
_crossing = msgspec.json.Decoder(Crossing)
_rules = msgspec.json.Decoder(MilestoneRules)


def decode_milestone(value: bytes) -> Crossing | MilestoneRules:
    """Decode a value of the topic milestones. Raises UndecodableRecordError."""
    try:
        return (_rules if _kind.decode(value).state == "rules" else _crossing).decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UndecodableRecordError(str(error)) from error


class Milestones:
    """Keeps the newest state of each crossing, for at most KEPT_MAX crossings.

    `arrivals` is the number of crossings that have arrived at this board. A connected viewer is sent each
    crossing that arrives. This includes an old crossing that this board only now reads from the topic,
    because the list on the viewer's page does not have it yet.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, Crossing]] = {}
        """The crossings by id, in order of arrival, each with its arrival number."""
        self.arrivals = 0

    def add(self, crossing: Crossing) -> bool:
        """Add a record. Return True if the record is newer than the kept one and is itself kept."""
        known = self._kept.get(crossing.id)
        if known and known[1].sequence >= crossing.sequence:
            return False
        self._kept.pop(crossing.id, None)
        self._kept[crossing.id] = (self.arrivals + 1, crossing)
        if len(self._kept) > KEPT_MAX:
            oldest = min((kept for _, kept in self._kept.values()), key=_age)
            del self._kept[oldest.id]
            if oldest is crossing:
                return False
        self.arrivals += 1
        return True

    def newest(self, scope: str | None, count: int) -> list[Crossing]:
        """Return the newest crossings of a scope, or of all scopes if `scope` is None; newest first."""
        found = [kept for _, kept in self._kept.values() if scope is None or kept.scope == scope]
        return sorted(found, key=_age, reverse=True)[:count]

    def arrived_since(self, arrival: int, scope: str) -> list[Crossing]:
        """Return the crossings of a scope that arrived after number `arrival`, in order of arrival.

        If there are more than SENT_MAX, return the last SENT_MAX.
        """
        return [kept for number, kept in self._kept.values() if number > arrival and kept.scope == scope][
            -SENT_MAX:
        ]


def _age(crossing: Crossing) -> tuple[datetime, int]:
    return crossing.crossed_at, crossing.sequence
