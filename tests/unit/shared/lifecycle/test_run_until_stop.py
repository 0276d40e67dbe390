"""A coroutine is cancelled when the process is asked to stop, and its exception is raised."""

from __future__ import annotations

import asyncio

import pytest

from lifecycle.run_until_stop import cancel_on_stop
from lifecycle.stop_signal import StopSignal


async def forever() -> None:
    await asyncio.Event().wait()


async def failing() -> None:
    raise ValueError("broken")


async def test_the_stop_cancels_endless_work() -> None:
    stopping = StopSignal()
    running = asyncio.ensure_future(cancel_on_stop(forever(), stopping))

    stopping.set()

    await asyncio.wait_for(running, 30)


async def test_a_failure_of_the_work_is_raised() -> None:
    with pytest.raises(ValueError, match="broken"):
        await cancel_on_stop(failing(), StopSignal())
