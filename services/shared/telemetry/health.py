"""Whether a process is alive (makes progress) and ready (has what it needs)."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Check = Callable[[], Awaitable[bool] | bool]


@dataclass(slots=True)
class Progress:
    """A loop that must beat at least every `seconds_max`; a process whose loop stands still is not alive."""

    name: str
    seconds_max: float
    clock: Callable[[], float]
    last: float

    def beat(self) -> None:
        """Say that the loop went round."""
        self.last = self.clock()

    def overdue(self) -> bool:
        """Whether the loop has stood still for too long."""
        return self.clock() - self.last > self.seconds_max


@dataclass(slots=True)
class Health:
    """The progress and the checks of one process."""

    clock: Callable[[], float] = time.monotonic
    _progress: dict[str, Progress] = field(default_factory=dict)
    _checks: dict[str, Check] = field(default_factory=dict)

    def progress(self, name: str, seconds_max: float = 15.0) -> Progress:
        """Register a loop whose standing still means that the process hangs."""
        self._progress[name] = Progress(name, seconds_max, self.clock, self.clock())
        return self._progress[name]

    def check(self, name: str, check: Check) -> None:
        """Register something the process needs before it can serve."""
        self._checks[name] = check

    def standing_still(self) -> list[str]:
        """Names of the loops that are overdue."""
        return [progress.name for progress in self._progress.values() if progress.overdue()]

    async def missing(self) -> list[str]:
        """Names of the checks that do not hold now."""
        missing = []
        for name, check in self._checks.items():
            try:
                result = check()
                held = result if isinstance(result, bool) else await result
            except Exception:  # a check that cannot be made does not hold
                held = False
            if not held:
                missing.append(name)
        return missing
