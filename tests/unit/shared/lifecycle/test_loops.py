"""A loop retries what fails, ends at the stop, and gives up after its time."""

from __future__ import annotations

import pytest

from lifecycle.loops import run_forever
from lifecycle.shutdown import StopSignal


async def test_a_failure_is_retried_until_it_succeeds() -> None:
    stopping = StopSignal()
    calls: list[None] = []

    async def once() -> None:
        calls.append(None)
        if len(calls) == 1:
            raise OSError("not yet")
        stopping.set()

    await run_forever(once, stopping, name="test")

    assert len(calls) == 2


async def test_the_last_failure_is_raised_when_the_time_is_up() -> None:
    async def once() -> None:
        raise OSError("never")

    with pytest.raises(OSError, match="never"):
        await run_forever(once, StopSignal(), name="test", failing_s_max=0.05)


async def test_the_pause_ends_early_at_the_stop() -> None:
    stopping = StopSignal()

    async def once() -> None:
        stopping.set()

    await run_forever(once, stopping, name="test", pause_s=3600)

    assert stopping.is_set()
