"""Retries a failing store operation with a bounded back-off, for a bounded time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from aggregator.metrics import STORE_RETRIES
from lifecycle.backoff import Backoff
from telemetry.logs import get

T = TypeVar("T")
log = get()

RETRY_DELAY_S_MIN: Final = 0.1
RETRY_DELAY_S_MAX: Final = 5.0


class StoreFailingError(RuntimeError):
    """The store has failed for too long. The process ends; its successor starts from the stored positions."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How many seconds to retry at most, and the clock and the sleep function to use."""

    failing_s_max: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


async def retry(action: Callable[[], Awaitable[T]], policy: RetryPolicy) -> T:
    """Call `action` until it succeeds.

    The action is retried inside the Faust agent, because an error that left the agent would lose its batch.
    Raises StoreFailingError after the policy's `failing_s_max` seconds without a success.
    """
    backoff = Backoff(RETRY_DELAY_S_MIN, RETRY_DELAY_S_MAX)
    failing_since: float | None = None
    while True:
        try:
            return await action()
        except Exception as error:  # any error may be transient, and the batch must be kept
            now = policy.clock()
            failing_since = now if failing_since is None else failing_since
            if now - failing_since > policy.failing_s_max:
                raise StoreFailingError(
                    f"no success for {policy.failing_s_max:.0f} s: {type(error).__name__}"
                ) from error
            STORE_RETRIES.inc()
            delay_s = next(backoff)
            log.warning("store failed", error=type(error).__name__, reason=str(error)[:300], retry_s=delay_s)
            await policy.sleep(delay_s)
