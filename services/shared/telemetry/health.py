"""The health of a process: alive if its loops make progress, ready if its checks pass, else degraded.

A process is degraded while it cannot reach a system that it depends on, such as Kafka. This alone does not
make it unready, because a process can have work without that system: the board still shows its last cut. A
process that waits for such a system before it starts is not ready.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from telemetry.logs import get

log = get()

Check = Callable[[], Awaitable[bool] | bool]
Probe = Callable[[], Awaitable[object]]
"""Reaches another system, or raises; an UnreachableError tells operators why and what to do."""

PROBE_EVERY_S: Final = 2.0
ANSWER_S_MAX: Final = 2.0
"""A check or probe that takes longer has failed. So a lost system is named within four seconds."""


class UnreachableError(Exception):
    """Another system cannot be reached; the message has the reason and the remedy, and no secret."""


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
    """The heartbeats, readiness checks and dependencies of one process.

    `degraded` names the dependencies that did not answer the last time that they were probed. `details`
    describe what an operator should know, by topic. Neither makes the process unready. `waits_for` names the
    dependencies that the process needs before it starts: until each was added, the process is not ready.
    """

    clock: Callable[[], float] = time.monotonic
    waits_for: tuple[str, ...] = ()
    answer_s_max: float = ANSWER_S_MAX
    degraded: list[str] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)
    _progress: dict[str, Progress] = field(default_factory=dict)
    _checks: dict[str, Check] = field(default_factory=dict)
    _probes: dict[str, Probe] = field(default_factory=dict)
    _degraded_since: float | None = None

    def progress(self, name: str, seconds_max: float = 15.0) -> Progress:
        """Add a loop; the process is not alive while this loop is overdue."""
        self._progress[name] = Progress(name, seconds_max, self.clock, self.clock())
        return self._progress[name]

    def check(self, name: str, check: Check) -> None:
        """Add a readiness check; the process is not ready while it returns False or raises."""
        self._checks[name] = check

    def dependency(self, name: str, probe: Probe) -> None:
        """Add a system that this process depends on; `watch_dependencies` probes it.

        A system that the process has waited for was reached when it is added.
        """
        self._probes[name] = probe
        self.degraded = [other for other in self.degraded if other != name]
        if not self.degraded:
            self._degraded_since = None

    async def watch_dependencies(self) -> None:
        """Probe all dependencies every PROBE_EVERY_S seconds. Never returns."""
        while True:
            await self.probe_once()
            await asyncio.sleep(PROBE_EVERY_S)

    async def probe_once(self) -> None:
        """Probe all dependencies; update `degraded` and the reasons in `details`."""
        probes = dict(self._probes)
        results = await asyncio.gather(*(self._result(probe()) for probe in probes.values()))
        failed = []
        for name, result in zip(probes, results, strict=True):
            self._note(name, result)
            if isinstance(result, Exception):
                failed.append(name)
        self.degraded = self._not_added() + failed
        if not self.degraded:
            self._degraded_since = None
        elif self._degraded_since is None:
            self._degraded_since = self.clock()

    def degraded_s(self) -> float:
        """Return for how many seconds some dependency has not answered; 0 if all answer."""
        return 0.0 if self._degraded_since is None else self.clock() - self._degraded_since

    def stalled_loops(self) -> list[str]:
        """Return the names of the overdue loops."""
        return [progress.name for progress in self._progress.values() if progress.overdue()]

    async def failed_checks(self) -> list[str]:
        """Run all checks; return the names of the checks that returned False or raised."""
        passed = await asyncio.gather(*(self._passes(check) for check in self._checks.values()))
        failed = [name for name, good in zip(self._checks, passed, strict=True) if not good]
        return (["started"] if self._not_added() else []) + failed

    def _not_added(self) -> list[str]:
        return [name for name in self.waits_for if name not in self._probes]

    def _note(self, name: str, result: object) -> None:
        """Keep the reason why a dependency cannot be reached as a detail, and log it when it changes."""
        if isinstance(result, UnreachableError):
            if self.details.get(name) != str(result):
                self.details[name] = str(result)
                log.error("dependency unreachable", dependency=name, reason=str(result))
        elif not isinstance(result, Exception) and self.details.pop(name, None) is not None:
            log.info("dependency reached again", dependency=name)

    async def _passes(self, check: Check) -> bool:
        try:
            result = check()
        except Exception:  # a check that raises has failed
            return False
        answer = result if isinstance(result, bool) else await self._result(result)
        return bool(answer) and not isinstance(answer, Exception)

    async def _result(self, answer: Awaitable[object]) -> object:
        """Return the result, or the error; TimeoutError if it takes longer than `answer_s_max`.

        A driver can take long to cancel a query, so this does not wait until the cancellation is complete.
        """
        task = asyncio.ensure_future(answer)
        await asyncio.wait({task}, timeout=self.answer_s_max)
        if not task.done():
            task.cancel()
            return TimeoutError()
        return task.exception() or task.result()
