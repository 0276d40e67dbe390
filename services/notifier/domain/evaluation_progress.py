"""How far the notifiers have evaluated region-counts, and where a restarted notifier continues to read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

Version = tuple[int, int]
"""(term, cut), by which cuts are ordered."""


@dataclass(frozen=True, slots=True)
class EvaluatedCut:
    """The last evaluated cut, and the full record from which it can be read again.

    The offset alone does not identify that record, because the topic may have been created again.
    """

    version: Version
    as_of: datetime
    full_version: Version
    full_offset: int


@dataclass(frozen=True, slots=True)
class Advance:
    """The move from the last evaluated cut that a notifier knows to the cut that it evaluates.

    It fails if another notifier has moved since then. `known` is None if no cut was ever evaluated.
    """

    known: EvaluatedCut | None
    to: EvaluatedCut
