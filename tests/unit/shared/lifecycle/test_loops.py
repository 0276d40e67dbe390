"""A loop retries failed steps, ends at the stop, and raises the last failure if steps fail for too long."""

from __future__ import annotations

import pytest

from lifecycle.loops import run_forever
from lifecycle.stop_signal import StopSignal


async def test_a_failure_is_retried_until_it_succeeds() -> None:
    stopping = StopSignal()
    calls: list[None] = []

    async def step() -> None:
        calls.append(None)
        if len(calls) == 1:
            raise OSError("not yet")
        stopping.set()

    await run_forever(step, stopping, name="test")

    assert len(calls) == 2


async def test_the_last_failure_is_raised_after_the_maximum_time_of_failing() -> None:
    async def step() -> None:
        raise OSError("never")

    with pytest.raises(OSError, match="never"):
        await run_forever(step, StopSignal(), name="test", failing_s_max=0.05)


async def test_the_pause_ends_early_at_the_stop() -> None:
    stopping = StopSignal()

    async def step() -> None:
        stopping.set()

    await run_forever(step, stopping, name="test", pause_s=3600)

    assert stopping.is_set()
