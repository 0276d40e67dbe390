"""The delays between attempts: each twice the previous delay, up to a maximum."""

from __future__ import annotations

from collections.abc import Iterator


class Backoff(Iterator[float]):
    """Yields delays in seconds without end: the minimum, twice that, and so on up to the maximum."""

    def __init__(self, delay_s_min: float, delay_s_max: float) -> None:
        self._min_s = min(delay_s_min, delay_s_max)
        self._max_s = delay_s_max
        self._next_s = self._min_s

    def __next__(self) -> float:
        delay_s, self._next_s = self._next_s, min(2 * self._next_s, self._max_s)
        return delay_s

    def reset(self) -> None:
        """Start again at the minimum, after a success."""
        self._next_s = self._min_s
