"""Computes the pause between two fetches from the last fetch's duration and size."""

from typing import Final

BACKLOG_RECORDS_MIN: Final = 20_000
"""A fetch of at least this many records means that more records are waiting."""
PAUSE_PER_WORK: Final = 3
PAUSE_S_PER_RECORD: Final = 0.0003
PAUSE_S_MAX: Final = 0.8


def pause_s(took_s: float, records: int) -> float:
    """Return the seconds to wait after a fetch of `records` records that took `took_s` seconds to count.

    Larger fetches change fewer rows per record. A worker without a backlog therefore pauses three times as
    long as it worked. PAUSE_S_PER_RECORD also limits the pause, because the fetch after a small fetch is
    probably small too. A slow database then does not delay a few records. A worker with a backlog does not
    pause.
    """
    if records >= BACKLOG_RECORDS_MIN:
        return 0.0
    return min(PAUSE_PER_WORK * took_s, PAUSE_S_PER_RECORD * records, PAUSE_S_MAX)
