"""Exact percentiles of measured latencies, by the nearest-rank method."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil


@dataclass(slots=True)
class Latencies:
    """Latencies in seconds. All are kept: a night has some ten thousand."""

    seconds: list[float] = field(default_factory=list)

    def add(self, seconds: float) -> None:
        """Add a measurement."""
        self.seconds.append(seconds)

    @property
    def count(self) -> int:
        """The number of measurements."""
        return len(self.seconds)

    def percentile_s(self, percent: float, last: int | None = None) -> float | None:
        """Return the nearest-rank percentile of all measurements, or of the `last` ones.

        None if there are none.
        """
        values = sorted(self.seconds if last is None else self.seconds[-last:])
        return values[max(ceil(percent / 100 * len(values)), 1) - 1] if values else None
