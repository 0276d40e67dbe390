"""Invariant 10: the disk that a registration takes is bounded, in the topics and in PostgreSQL's log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from faults.invariant_result import InvariantResult

COPIES_MAX: Final = 0.1
"""The copies of events that no fault requires, per event: the relay repeats a batch after a failure."""
COPIES_FREE: Final = 3_000
FULL_PAUSE_S_MIN: Final = 50.0
"""Full records are due every 60 s. The rest is for publishers that were suspended."""
BYTES_MAX: Final = 12_000
"""The bytes written per event, to PostgreSQL's log and to the topics of one broker; 3,000 were measured."""


@dataclass(frozen=True)
class StoredVolume:
    """What the campaign wrote.

    `records` is the number of records that participant-events ever had, and `resent_max` how many events
    faults made the relay send again. `full_pauses_s` are the times between full records of the same counts.
    """

    events: int
    records: int
    resent_max: int
    full_pauses_s: Sequence[float]
    log_bytes: int
    topic_bytes: int


def check_stored_volume(volume: StoredVolume) -> InvariantResult:
    """Check the copies of events, the number of full records, and the bytes per event."""
    result = InvariantResult(10, "the disk written per registration is bounded")
    copies = volume.records - volume.events
    copies_max = round(volume.events * COPIES_MAX) + COPIES_FREE + volume.resent_max
    result.check(
        copies <= copies_max,
        f"the event topic got {copies:,} copies of {volume.events:,} events, must be at most {copies_max:,}",
    )
    for pause_s in volume.full_pauses_s:
        result.check(
            pause_s >= FULL_PAUSE_S_MIN,
            f"a full record of counts that were published already followed after {pause_s:.0f} s",
        )
    bytes_per_event = (volume.log_bytes + volume.topic_bytes) / max(volume.events, 1)
    result.check(bytes_per_event <= BYTES_MAX, f"{bytes_per_event:,.0f} bytes were written per event")
    result.notes.append(
        f"{copies:,} copies, at most {copies_max:,} allowed; {bytes_per_event / 1000:.1f} kB per event: "
        f"{volume.log_bytes / 1e6:,.0f} MB of WAL, {volume.topic_bytes / 1e6:,.0f} MB of topics"
    )
    return result
