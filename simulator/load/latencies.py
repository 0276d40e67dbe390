"""Percentiles of what was measured, exactly, by the nearest rank."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil


@dataclass(slots=True)
class Latencies:
    """Seconds measured one by one; kept in full, as a night has some ten thousand."""

    seconds: list[float] = field(default_factory=list)

    def add(self, seconds: float) -> None:
        """Keep one measurement."""
        self.seconds.append(seconds)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.seconds)

    def percentile_s(self, percent: float, last: int | None = None) -> float | None:
        """The nearest-rank percentile, of all or of the `last` so many; None without measurements."""
        some = sorted(self.seconds if last is None else self.seconds[-last:])
        return some[max(ceil(percent / 100 * len(some)), 1) - 1] if some else None
