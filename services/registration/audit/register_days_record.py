"""The records of the topic `register-days`: the live participants at the start of a day, per scope."""

from __future__ import annotations

from typing import Final

import msgspec

from kafka.leader_producer import LeaderRecord
from registration.audit.day_start import DayStart
from registration.audit.tallies import live_counts

TOPIC: Final = "register-days"
LAST_SCOPE: Final = "all"

_encode = msgspec.json.Encoder().encode


def day_records(term: int, start: DayStart) -> list[LeaderRecord]:
    """Return one record per scope; its key is the scope, so that each day replaces the former day.

    The scope `all` is last, and has a record even without participants. A reader of its record has therefore
    read those of all scopes that had participants.
    """
    rows: dict[str, list[tuple[str, int]]] = {}
    for (scope, region), count in sorted(live_counts(start.counts).items()):
        rows.setdefault(scope, []).append((region, count))
    whole = rows.pop(LAST_SCOPE, [])
    return [
        LeaderRecord(
            scope.encode(),
            _encode(
                {
                    "scope": scope,
                    "day": start.day.isoformat(),
                    "term": term,
                    "epoch": start.epoch,
                    "rows": counts,
                }
            ),
        )
        for scope, counts in [*rows.items(), (LAST_SCOPE, whole)]
    ]
