"""The common part of the tests' TCP proxies: a port, and client and server connections that end together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

CHUNK_BYTES = 1 << 16

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class ProxyConnections:
    """A proxy's open connections to its clients and to its server."""

    def __init__(self) -> None:
        self._open: set[asyncio.StreamWriter] = set()

    async def run(self, ends: set[asyncio.StreamWriter], *directions: Awaitable[None]) -> None:
        """Run the forwarding in both directions until one direction ends, then abort both connections."""
        self._open |= ends
        forwarding = [asyncio.ensure_future(direction) for direction in directions]
        try:
            await asyncio.wait(forwarding, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in forwarding:
                task.cancel()
            await asyncio.gather(*forwarding, return_exceptions=True)
            for end in ends:
                end.transport.abort()
            self._open -= ends

    def abort(self) -> None:
        """Abort every open connection."""
        for end in self._open:
            end.transport.abort()


@asynccontextmanager
async def serve_connections(serve: Serve, abort: Callable[[], None]) -> AsyncIterator[int]:
    """Serve connections to a free local port, and yield the port. `abort` must end all connections."""
    serving: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    try:
        yield port
    finally:
        abort()
        server.close()
        await server.wait_closed()
        await asyncio.gather(*serving, return_exceptions=True)
