"""The way people take to the APIs: a TCP proxy that can be slow, cut off, or both."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from tests.support.tcp_proxy import CHUNK_BYTES, Wires, listening


class Gate:
    """Leads each connection to the next server that lets it in."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._count = len(ports)
        self._ports = itertools.cycle(ports)
        self._wires = Wires()
        self.port = 0
        self.delay_s = 0.0
        """How long each piece of data is held back, either way."""

    def cut(self) -> None:
        """Break every connection there is; new ones are let in."""
        self._wires.cut()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        server = await self._server()
        if server is None:
            writer.transport.abort()
            return
        answers, questions = server
        await self._wires.join(
            {writer, questions}, self._pass_on(reader, questions), self._pass_on(answers, writer)
        )

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
    async with listening(made.serve, made.cut) as made.port:
        yield made
