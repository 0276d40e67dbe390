"""Finds out that a reader of region-counts lacks the full record on which the newest cuts are based."""

from __future__ import annotations

import msgspec

from cuts.records import CutRecord
from cuts.state import ApplyReason, CutState

LACKING = (ApplyReason.NOT_READY, ApplyReason.OFF_BASE)


class MissedFull:
    """Follows which cut a reader holds, without its counts.

    A reader that starts while two leaders write may start behind the first part of the newest full record.
    The next full record can be hours away, so the reader goes back to the one that later records name.
    """

    def __init__(self) -> None:
        self._state = CutState()
        self._sought = -1

    def seek_after(self, record: CutRecord) -> int | None:
        """Return the offset from which to read again after this record; None to read on.

        Each full record is sought once at most, so that a damaged one is not read in a circle.
        """
        result = self._state.apply(msgspec.structs.replace(record, rows=(), peaks=(), quarantined_ranges=()))
        if result.reason not in LACKING or record.full_offset in (-1, self._sought):
            return None
        self._sought = record.full_offset
        return record.full_offset
