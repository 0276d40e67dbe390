"""Repeats a step in a loop until the stop.

A failed step is counted, logged, and retried after a delay that grows up to a maximum.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

from prometheus_client import Counter

from lifecycle.backoff import Backoff
from lifecycle.stop_signal import StopSignal
from telemetry.logs import get

log = get()

LOOP_FAILURES: Final = Counter(
    "loop_failures", "Failures of a process's loop, each followed by a retry.", ["loop"]
)

RETRY_DELAY_S_MIN: Final = 0.1
RETRY_DELAY_S_MAX: Final = 5.0


async def run_forever(
    step: Callable[[], Awaitable[object]],
    stopping: StopSignal,
    *,
    name: str,
    pause_s: float = 0.0,
    failing_s_max: float = 60.0,
) -> None:
    """Call `step` until the stop, with `pause_s` between two calls.

    Raises the last exception if no call has succeeded for `failing_s_max` seconds. Then the process ends, and
    its supervisor restarts it.
    """
    backoff = Backoff(RETRY_DELAY_S_MIN, RETRY_DELAY_S_MAX)
    failing_since: float | None = None
    while not stopping.is_set():
        try:
            await step()
        except Exception as error:  # the only place where a loop's exceptions are handled
            now = time.monotonic()
            failing_since = failing_since or now
            LOOP_FAILURES.labels(name).inc()
            log.warning("loop failed", loop=name, error=type(error).__name__, reason=str(error)[:300])
            if now - failing_since > failing_s_max:
                raise
            await stopping.wait(next(backoff))
            continue
        failing_since = None
        backoff.reset()
        if pause_s:
            await stopping.wait(pause_s)
