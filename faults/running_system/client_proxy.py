"""The TCP proxy between clients and servers, which can delay data, and cut or silence connections."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from tests.support.proxy_connections import CHUNK_BYTES, ProxyConnections, serve_connections


class ClientProxy:
    """Forwards each connection to the next server in turn that accepts the connection."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._count = len(ports)
        self._ports = itertools.cycle(ports)
        self._connections = ProxyConnections()
        self._silences = 0
        self.port = 0
        self.delay_s = 0.0
        """The delay of each chunk of data, in both directions."""

    def cut(self) -> None:
        """Abort every open connection. New connections are accepted."""
        self._connections.abort()

    def silence(self) -> None:
        """Keep every open connection open, but forward nothing more, as after the loss of a NAT entry."""
        self._silences += 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client connection until the client or the server ends it."""
        server = await self._connect()
        if server is None:
            writer.transport.abort()
            return
        server_reader, server_writer = server
        silences = self._silences
        await self._connections.run(
            {writer, server_writer},
            self._forward(reader, server_writer, silences),
            self._forward(server_reader, writer, silences),
        )

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in range(self._count):
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", next(self._ports))
        return None

    async def _forward(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, silences: int
    ) -> None:
        """Forward data until the source ends. `silences` is their number when the connection was opened."""
        while data := await source.read(CHUNK_BYTES):
            if self._silences > silences:
                continue
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            target.write(data)
            await target.drain()


@asynccontextmanager
async def open_client_proxy(ports: Sequence[int]) -> AsyncIterator[ClientProxy]:
    """Open a proxy in front of the servers on these local ports."""
    proxy = ClientProxy(ports)
    async with serve_connections(proxy.serve, proxy.cut) as proxy.port:
        yield proxy
