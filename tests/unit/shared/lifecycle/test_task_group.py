"""A group ends as one: it stops together, the server and the drain end first, and a failure is raised."""

from __future__ import annotations

import asyncio

import pytest

from lifecycle.stop_signal import StopSignal
from lifecycle.task_group import run_group


class Parts:
    """Coroutines that record in which order they end."""

    def __init__(self) -> None:
        self.stopping = StopSignal()
        self.order: list[str] = []
        self.accepted = asyncio.Event()

    async def loop(self) -> None:
        await self.stopping.wait()
        self.order.append("loop")

    async def endless(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.order.append("endless cancelled")

    async def failing(self) -> None:
        raise ValueError("broken")

    async def server(self) -> None:
        await self.stopping.wait()
        await asyncio.sleep(0.01)  # an open request
        self.order.append("server")
        self.accepted.set()

    async def drain(self) -> None:
        await self.accepted.wait()
        await asyncio.sleep(0.01)  # the work that the request caused
        self.order.append("drain")


async def test_after_the_stop_the_server_ends_then_the_drain_then_everything_else() -> None:
    parts = Parts()
    running = asyncio.ensure_future(
        run_group(parts.stopping, parts.loop(), parts.endless(), server=parts.server(), drain=parts.drain())
    )
    await asyncio.sleep(0)

    parts.stopping.set()
    await asyncio.wait_for(running, 30)

    assert parts.order == ["loop", "server", "drain", "endless cancelled"]


async def test_a_failure_stops_the_others_in_the_same_order_and_is_raised() -> None:
    parts = Parts()

    with pytest.raises(ValueError, match="broken"):
        await asyncio.wait_for(
            run_group(
                parts.stopping, parts.endless(), parts.failing(), server=parts.server(), drain=parts.drain()
            ),
            30,
        )

    assert parts.stopping.is_set()
    assert parts.order == ["server", "drain", "endless cancelled"]


async def test_a_loop_that_ends_early_stops_the_group() -> None:
    parts = Parts()

    async def early() -> None:
        """End at once."""

    await asyncio.wait_for(run_group(parts.stopping, early(), parts.endless(), server=parts.server()), 30)

    assert parts.order == ["server", "endless cancelled"]


async def test_a_failure_of_the_drain_is_raised() -> None:
    parts = Parts()

    async def drain() -> None:
        await parts.accepted.wait()
        raise ValueError("not written")

    parts.stopping.set()

    with pytest.raises(ValueError, match="not written"):
        await asyncio.wait_for(
            run_group(parts.stopping, parts.loop(), server=parts.server(), drain=drain()), 30
        )


async def test_a_server_that_hangs_is_cancelled_after_its_grace() -> None:
    parts = Parts()
    parts.stopping.set()

    await asyncio.wait_for(run_group(parts.stopping, parts.loop(), server=parts.endless(), grace_s=0.05), 30)

    assert parts.order == ["loop", "endless cancelled"]


async def test_a_cancelled_group_cancels_all_its_parts() -> None:
    parts = Parts()
    running = asyncio.ensure_future(run_group(parts.stopping, parts.endless(), server=parts.endless()))
    await asyncio.sleep(0)

    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert parts.order == ["endless cancelled", "endless cancelled"]
