"""Coroutines end when the process is asked to stop, and the exception of a coroutine is raised."""

from __future__ import annotations

import asyncio

import pytest

from lifecycle.run_until_stop import cancel_on_stop, stop_together
from lifecycle.stop_signal import StopSignal


async def forever() -> None:
    await asyncio.Event().wait()


async def failing() -> None:
    raise ValueError("broken")


async def test_the_stop_cancels_endless_work() -> None:
    stopping = StopSignal()
    running = asyncio.ensure_future(cancel_on_stop(forever(), stopping))

    stopping.set()

    await asyncio.wait_for(running, 5)


async def test_a_failure_of_the_work_is_raised() -> None:
    with pytest.raises(ValueError, match="broken"):
        await cancel_on_stop(failing(), StopSignal())


async def test_a_failing_loop_stops_the_others_and_is_raised() -> None:
    stopping = StopSignal()
    stopped: list[str] = []

    async def loop() -> None:
        await stopping.wait()
        stopped.append("loop")

    with pytest.raises(ValueError, match="broken"):
        await asyncio.wait_for(stop_together(stopping, loop(), failing()), 5)

    assert stopped == ["loop"]


async def test_all_loops_end_at_the_stop() -> None:
    stopping = StopSignal()

    async def loop() -> None:
        await stopping.wait()

    running = asyncio.ensure_future(stop_together(stopping, loop(), loop()))
    stopping.set()

    await asyncio.wait_for(running, 5)
