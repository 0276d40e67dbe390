"""Defines a kept cut, and encodes the growth between two kept cuts for region-minutes.

This module does no I/O and reads no clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from aggregator.domain.cut_record import utc_text

MINUTE: Final = timedelta(minutes=1)
LAST_SCOPE: Final = "all"

Growth = tuple[str, str, int]
"""(scope, region, change of the number of live participants); negative after withdrawals"""


@dataclass(frozen=True, slots=True)
class KeptCut:
    """The cut that was newest when the minute that ends at `ends_at` ended."""

    ends_at: datetime
    cut: str
    as_of: datetime
    generation: int
    epoch: int
    positions: tuple[int, ...]
    behind: bool
    """Whether the cut lacked events that the register had accepted seconds before."""


def write_minutes(term: int, since: KeptCut, upto: KeptCut, growth: Iterable[Growth]) -> dict[str, bytes]:
    """Encode the growth from the kept cut `since` to the kept cut `upto`, by scope.

    The scope `all` is last, and has a record even without growth: a reader of its record has read those of
    all scopes. The minute is `late` if it can contain events that were accepted before it: after an outage of
    the publisher it covers more than one minute, and after an outage of the workers `since` was behind.
    """
    rows: dict[str, list[tuple[str, int]]] = {}
    for scope, region, change in growth:
        rows.setdefault(scope, []).append((region, change))
    whole = rows.pop(LAST_SCOPE, [])
    head = {
        "minute": minute_text(upto.ends_at - MINUTE),
        "term": term,
        "from": _cut(since),
        "to": _cut(upto),
        "late": since.behind or upto.ends_at - since.ends_at > MINUTE,
    }
    return {
        scope: msgspec.json.encode({"scope": scope, **head, "rows": regions})
        for scope, regions in [*rows.items(), (LAST_SCOPE, whole)]
    }


def minute_text(minute: datetime) -> str:
    """Format the UTC time of a whole minute."""
    return minute.strftime("%Y-%m-%dT%H:%M:%SZ")


def _cut(kept: KeptCut) -> dict[str, Any]:
    return {
        "cut": kept.cut,
        "as_of": utc_text(kept.as_of),
        "generation": kept.generation,
        "epoch": kept.epoch,
        "positions": kept.positions,
    }
