"""Counts what passes, and reports once when it was the last. Used by rivals alone: it needs no package."""

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
    """The moments of the first tenth and of the last event."""

    def __init__(self, counts: Callable[[], Mapping[str, int]]) -> None:
        self._counts = counts
        self._seen = 0
        self._began_at_s = time.monotonic()
        self._tenth_at_s = 0.0
        self._timed_from = 0

    def passed(self, events: int) -> bool:
        """So many more are counted; whether it was all. To be called once per event, or per batch."""
        before, self._seen = self._seen, self._seen + events
        if not self._tenth_at_s and self._seen >= EVENTS // 10:
            self._tenth_at_s = time.monotonic()
            self._timed_from = self._seen  # a batch may reach far beyond the tenth
        if before < EVENTS <= self._seen:
            self._report()
        return self._seen >= EVENTS

    def _report(self) -> None:
        if self._timed_from == self._seen:  # one batch held all of a small backlog
            self._tenth_at_s, self._timed_from = self._began_at_s, 0
        report = {
            "tenth_at_s": self._tenth_at_s,
            "last_at_s": time.monotonic(),
            "timed": self._seen - self._timed_from,
            "counts": dict(self._counts()),
        }
        # Not through sys.stdout, which Faust takes for its log.
        with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
            out.write(json.dumps(report) + "\n")
