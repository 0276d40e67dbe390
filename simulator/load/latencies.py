"""Computes exact percentiles of measured latencies, by the nearest-rank method."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil


@dataclass(slots=True)
class Latencies:
    """Latencies in seconds. All measurements are kept, because a night has only about ten thousand."""

    seconds: list[float] = field(default_factory=list)

    def add(self, seconds: float) -> None:
        """Add a measurement."""
        self.seconds.append(seconds)

    @property
    def count(self) -> int:
        """The number of measurements."""
        return len(self.seconds)

    def percentile_s(self, percent: float, last: int | None = None) -> float | None:
        """Return a percentile of all measurements, or only of the `last` newest ones.

        None if there are no measurements.
        """
        values = sorted(self.seconds if last is None else self.seconds[-last:])
        return values[max(ceil(percent / 100 * len(values)), 1) - 1] if values else None
