"""Counts the events of a rival's process and prints its report. It uses the standard library only."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Final

SERVERS: Final = os.environ.get("BENCH_SERVERS", "")
TOPIC: Final = os.environ.get("BENCH_TOPIC", "")
GROUP: Final = os.environ.get("BENCH_GROUP", "")
FOLDER: Final = os.environ.get("BENCH_FOLDER", "")
EVENTS: Final = int(os.environ.get("BENCH_EVENTS", "0"))


class Progress:
    """Notes the times at which a tenth of the events and all events are counted."""

    def __init__(self, counts: Callable[[], Mapping[str, int]]) -> None:
        self._counts = counts
        self._counted = 0
        self._began_at_s = time.monotonic()
        self._tenth_at_s = 0.0
        self._timed_from = 0

    def add(self, events: int) -> bool:
        """Add `events` counted events, from one event or a batch; return True when all are counted."""
        before, self._counted = self._counted, self._counted + events
        if not self._tenth_at_s and self._counted >= EVENTS // 10:
            self._tenth_at_s = time.monotonic()
            self._timed_from = self._counted  # often more than a tenth, because a batch may be large
        if before < EVENTS <= self._counted:
            self._report()
        return self._counted >= EVENTS

    def _report(self) -> None:
        if self._timed_from == self._counted:  # one batch contained the whole small backlog
            self._tenth_at_s, self._timed_from = self._began_at_s, 0
        report = {
            "tenth_at_s": self._tenth_at_s,
            "last_at_s": time.monotonic(),
            "timed": self._counted - self._timed_from,
            "counts": dict(self._counts()),
        }
        # Faust redirects sys.stdout to its log, so the report is written to file descriptor 1.
        with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
            out.write(json.dumps(report) + "\n")
