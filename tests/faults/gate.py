"""The way people take to the APIs: a TCP proxy that can be slow, cut off, or both."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

CHUNK_BYTES = 1 << 16


class Gate:
    """Leads each connection to the next server that lets it in."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._count = len(ports)
        self._ports = itertools.cycle(ports)
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.delay_s = 0.0
        """How long each piece of data is held back, either way."""

    def cut(self) -> None:
        """Break every connection there is; new ones are let in."""
        for writer in self._open:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        server = await self._server()
        if server is None:
            writer.transport.abort()
            return
        answers, questions = server
        self._open |= {writer, questions}
        ways = [
            asyncio.ensure_future(self._pass_on(reader, questions)),
            asyncio.ensure_future(self._pass_on(answers, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for each in (writer, questions):
                each.transport.abort()
                self._open.discard(each)

    async def _server(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in range(self._count):
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", next(self._ports))
        return None

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK_BYTES):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            target.write(data)
            await target.drain()


@asynccontextmanager
async def gate(ports: Sequence[int]) -> AsyncIterator[Gate]:
    """A gate before the servers on these ports of this machine, listening on one of its own."""
    made = Gate(ports)
    wires: set[asyncio.Task[None]] = set()

    def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = asyncio.ensure_future(made.serve(reader, writer))
        wires.add(wire)
        wire.add_done_callback(wires.discard)

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.cut()
        server.close()
        await asyncio.gather(*wires, return_exceptions=True)
