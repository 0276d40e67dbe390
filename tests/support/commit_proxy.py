"""A TCP proxy to PostgreSQL that can cut a connection at COMMIT, before or after the server receives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from enum import Enum

from database.address import DatabaseAddress
from tests.support.proxy_connections import CHUNK_BYTES, ProxyConnections, serve_connections

COMMIT = b"COMMIT"


class CommitCut(Enum):
    """When the connection is cut at the next COMMIT."""

    BEFORE = "the server does not receive it"
    AFTER = "the server commits, the client gets no response"


class CommitProxy:
    """Forwards data. If `cut` is set, the proxy cuts the next connection that sends COMMIT.

    While `is_down` is set, it refuses new connections.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._connections = ProxyConnections()
        self.cut: CommitCut | None = None
        self.cuts = 0
        self.is_down = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client connection until the client, the server or a cut ends it."""
        if self.is_down:
            writer.transport.abort()
            return
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._server)
        except OSError:  # the server is down
            writer.transport.abort()
            return
        is_cut = asyncio.Event()
        await self._connections.run(
            {writer, server_writer},
            self._forward_queries(reader, server_writer, is_cut),
            self._forward_responses(server_reader, writer, is_cut),
        )

    async def _forward_queries(
        self, reader: asyncio.StreamReader, server_writer: asyncio.StreamWriter, is_cut: asyncio.Event
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            if self.cut is not None and COMMIT in data:
                cut, self.cut = self.cut, None
                self.cuts += 1
                if cut is CommitCut.BEFORE:
                    return
                is_cut.set()
            server_writer.write(data)
            await server_writer.drain()

    async def _forward_responses(
        self, server_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_cut: asyncio.Event
    ) -> None:
        while data := await server_reader.read(CHUNK_BYTES):
            if is_cut.is_set():
                return  # the server has committed, and the client must not receive the response
            writer.write(data)
            await writer.drain()

    def shut_down(self) -> None:
        """Refuse new connections and abort the open ones."""
        self.is_down = True
        self._connections.abort()


@asynccontextmanager
async def open_commit_proxy(
    database: DatabaseAddress,
) -> AsyncIterator[tuple[CommitProxy, DatabaseAddress]]:
    """Open a proxy in front of a database's server; yield the proxy and the address that leads through it."""
    proxy = CommitProxy(*database.hosts[0])
    async with serve_connections(proxy.serve, proxy.shut_down) as port:
        yield proxy, replace(database, hosts=(("127.0.0.1", port),))
