"""What every proxy of the tests does with its connections: two ways that end together, behind one port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

CHUNK_BYTES = 1 << 16

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class Wires:
    """The open ends of a proxy's connections."""

    def __init__(self) -> None:
        self._open: set[asyncio.StreamWriter] = set()

    async def join(self, ends: set[asyncio.StreamWriter], *ways: Awaitable[None]) -> None:
        """One connection: both ways at once until either ends, then nothing of it is left."""
        self._open |= ends
        running = [asyncio.ensure_future(way) for way in ways]
        try:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in running:
                way.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            for end in ends:
                end.transport.abort()
            self._open -= ends

    def cut(self) -> None:
        """Break every connection there is."""
        for end in self._open:
            end.transport.abort()


@asynccontextmanager
async def listening(serve: Serve, hang_up: Callable[[], None]) -> AsyncIterator[int]:
    """Serve each connection to a port of this machine, which is given; at the end `hang_up` must end them."""
    serving: set[asyncio.Task[None]] = set()

    def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    try:
        yield port
    finally:
        hang_up()
        server.close()
        await server.wait_closed()
        await asyncio.gather(*serving, return_exceptions=True)
