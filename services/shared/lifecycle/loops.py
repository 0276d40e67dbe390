"""A loop that goes on: failures are counted, logged and retried with a bounded back-off, for so long."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

from prometheus_client import Counter

from lifecycle.shutdown import StopSignal
from telemetry.logs import get

log = get()

LOOP_FAILURES: Final = Counter(
    "loop_failures", "Failures of a process's loop, each followed by a retry.", ["loop"]
)

RETRY_DELAY_S_MIN: Final = 0.1
RETRY_DELAY_S_MAX: Final = 5.0


async def run_forever(
    once: Callable[[], Awaitable[object]],
    stopping: StopSignal,
    *,
    name: str,
    pause_s: float = 0.0,
    failing_s_max: float = 60.0,
) -> None:
    """Call `once` until the stop, `pause_s` apart.

    Raises the last failure once `failing_s_max` seconds have gone by without a success: the process then
    ends and its supervisor starts a fresh one.
    """
    delay_s = RETRY_DELAY_S_MIN
    failing_since: float | None = None
    while not stopping.is_set():
        try:
            await once()
        except Exception as error:  # the one place where a loop's failures are met
            now = time.monotonic()
            failing_since = failing_since or now
            LOOP_FAILURES.labels(name).inc()
            log.warning("loop failed", loop=name, error=type(error).__name__, reason=str(error)[:300])
            if now - failing_since > failing_s_max:
                raise
            await stopping.wait(delay_s)
            delay_s = min(delay_s * 2, RETRY_DELAY_S_MAX)
            continue
        failing_since, delay_s = None, RETRY_DELAY_S_MIN
        if pause_s:
            await stopping.wait(pause_s)
