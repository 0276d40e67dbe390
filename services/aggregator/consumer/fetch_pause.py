"""Computes the pause between two fetches from the last fetch's duration and size."""

from typing import Final

BACKLOG_RECORDS_MIN: Final = 20_000
"""A fetch of at least this many records means that more records are waiting."""
PAUSE_PER_WORK: Final = 3
PAUSE_S_PER_RECORD: Final = 0.0003
PAUSE_S_MAX: Final = 0.8


def pause_s(took_s: float, records: int) -> float:
    """Return the seconds to wait after a fetch of `records` records that took `took_s` seconds to count.

    A worker with a backlog does not pause. A worker without a backlog pauses three times as long as it
    worked, because a pause makes the next fetch larger, and larger fetches change fewer rows per record.
    After a small fetch the next one is probably small too. PAUSE_S_PER_RECORD limits the pause after it, so
    that a slow database does not delay these few records further.
    """
    if records >= BACKLOG_RECORDS_MIN:
        return 0.0
    return min(PAUSE_PER_WORK * took_s, PAUSE_S_PER_RECORD * records, PAUSE_S_MAX)
