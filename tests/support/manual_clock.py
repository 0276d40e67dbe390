"""A clock for tests: its time changes only when a test sets it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class ManualClock:
    """A monotonic clock in seconds; a test moves it by setting `now_s`."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s
