"""The milestones told so far, newest first, from the topic milestones."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from cuts.records import UndecodableRecord

KEPT_MAX = 1000
NEWS_MAX = 100


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
    """Read a value of milestones. Raises UndecodableRecord."""
    try:
        return _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UndecodableRecord(str(error)) from error


class Milestones:
    """The newest state of each crossing, at most KEPT_MAX of them; `number` counts what arrived.

    Whatever arrives is news to those who watch already, also what lay in the log before this board came to
    read it, or came to read it again: they have been shown a list without it.
    """

    def __init__(self) -> None:
        self._crossings: dict[str, Crossing] = {}
        self._news: deque[tuple[int, Crossing]] = deque(maxlen=NEWS_MAX)
        self.number = 0

    def take(self, crossing: Crossing) -> bool:
        """Take a record; says whether it was not seen before, and is kept."""
        held = self._crossings.get(crossing.id)
        if held and held.sequence >= crossing.sequence:
            return False
        self._crossings[crossing.id] = crossing
        if len(self._crossings) > KEPT_MAX:
            oldest = min(self._crossings.values(), key=lambda kept: (kept.crossed_at, kept.sequence))
            del self._crossings[oldest.id]
            if oldest is crossing:
                return False
        self.number += 1
        self._news.append((self.number, crossing))
        return True

    def newest(self, scope: str | None, count: int) -> list[Crossing]:
        """The newest crossings, of one scope or of all."""
        found = [kept for kept in self._crossings.values() if scope is None or kept.scope == scope]
        return sorted(found, key=lambda kept: (kept.crossed_at, kept.sequence), reverse=True)[:count]

    def news_since(self, number: int, scope: str) -> Iterator[Crossing]:
        """What arrived after `number`, oldest first."""
        return (crossing for n, crossing in self._news if n > number and crossing.scope == scope)
