"""The milestones told so far, newest first, from the topic milestones."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

from cuts.records import UndecodableRecordError

KEPT_MAX: Final = 1000
NEWS_MAX: Final = 20
"""More than so many at once are told by the newest: whoever wants all asks for the list."""


class Crossing(msgspec.Struct, frozen=True):
    """One record of the topic: a threshold reached, or taken back."""

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


_decoder = msgspec.json.Decoder(Crossing)


def decode_crossing(value: bytes) -> Crossing:
    """Read a value of milestones. Raises UndecodableRecordError."""
    try:
        return _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UndecodableRecordError(str(error)) from error


class Milestones:
    """The newest state of each crossing, at most KEPT_MAX of them; `number` counts what arrived.

    Whatever arrives is news to those who watch already, also what lay in the log before this board came to
    read it, or came to read it again: they have been shown a list without it.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, Crossing]] = {}  # by id, as they came, each with its number
        self.number = 0

    def take(self, crossing: Crossing) -> bool:
        """Take a record; says whether it was not seen before, and is kept."""
        held = self._kept.get(crossing.id)
        if held and held[1].sequence >= crossing.sequence:
            return False
        self._kept.pop(crossing.id, None)
        self._kept[crossing.id] = (self.number + 1, crossing)
        if len(self._kept) > KEPT_MAX:
            oldest = min((kept for _, kept in self._kept.values()), key=_age)
            del self._kept[oldest.id]
            if oldest is crossing:
                return False
        self.number += 1
        return True

    def newest(self, scope: str | None, count: int) -> list[Crossing]:
        """The newest crossings, of one scope or of all."""
        found = [kept for _, kept in self._kept.values() if scope is None or kept.scope == scope]
        return sorted(found, key=_age, reverse=True)[:count]

    def news_since(self, number: int, scope: str) -> list[Crossing]:
        """The last NEWS_MAX of a scope that arrived after `number`, in the order they came."""
        return [kept for n, kept in self._kept.values() if n > number and kept.scope == scope][-NEWS_MAX:]


def _age(crossing: Crossing) -> tuple[datetime, int]:
    return crossing.crossed_at, crossing.sequence
