"""The health of a process, which is alive if its loops make progress, and ready if its dependencies work."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Check = Callable[[], Awaitable[bool] | bool]


@dataclass(slots=True)
class Progress:
    """The heartbeat of a loop.

    If no heartbeat arrives for `seconds_max`, the loop has stalled and the process is not alive.
    """

    name: str
    seconds_max: float
    clock: Callable[[], float]
    last: float

    def beat(self) -> None:
        """Note that the loop has completed an iteration."""
        self.last = self.clock()

    def overdue(self) -> bool:
        """Return whether the last heartbeat is older than `seconds_max`."""
        return self.clock() - self.last > self.seconds_max


@dataclass(slots=True)
class Health:
    """The heartbeats and readiness checks of one process.

    `details` describe what an operator should know, by topic; they do not make the process unready.
    """

    clock: Callable[[], float] = time.monotonic
    details: dict[str, str] = field(default_factory=dict)
    _progress: dict[str, Progress] = field(default_factory=dict)
    _checks: dict[str, Check] = field(default_factory=dict)

    def progress(self, name: str, seconds_max: float = 15.0) -> Progress:
        """Add a loop; the process is not alive while this loop is overdue."""
        self._progress[name] = Progress(name, seconds_max, self.clock, self.clock())
        return self._progress[name]

    def check(self, name: str, check: Check) -> None:
        """Add a readiness check; the process is not ready while it returns False or raises."""
        self._checks[name] = check

    def stalled_loops(self) -> list[str]:
        """Return the names of the overdue loops."""
        return [progress.name for progress in self._progress.values() if progress.overdue()]

    async def failed_checks(self) -> list[str]:
        """Run all checks; return the names of the checks that returned False or raised."""
        failed = []
        for name, check in self._checks.items():
            try:
                result = check()
                passed = result if isinstance(result, bool) else await result
            except Exception:  # a check that raises has failed
                passed = False
            if not passed:
                failed.append(name)
        return failed
