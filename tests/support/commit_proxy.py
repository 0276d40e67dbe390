"""A wire between a client and PostgreSQL that can be cut at COMMIT, before or after the server hears it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from urllib.parse import urlsplit, urlunsplit

from tests.support.tcp_proxy import CHUNK_BYTES, Wires, listening

COMMIT = b"COMMIT"


class Cut(Enum):
    """Where the wire breaks at the next COMMIT."""

    BEFORE = "the server never hears it"
    AFTER = "the server commits, and the client never hears that"


class Proxy:
    """Passes bytes on; `cut` breaks one wire at its COMMIT, `down` lets nobody in."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._wires = Wires()
        self.cut: Cut | None = None
        self.cuts = 0
        self.down = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's wire, until either side or a cut ends it."""
        if self.down:
            writer.transport.abort()
            return
        try:
            answers, questions = await asyncio.open_connection(*self._server)
        except OSError:  # the server is down
            writer.transport.abort()
            return
        deaf = asyncio.Event()
        await self._wires.join(
            {writer, questions}, self._ask(reader, questions, deaf), self._answer(answers, writer, deaf)
        )

    async def _ask(
        self, reader: asyncio.StreamReader, questions: asyncio.StreamWriter, deaf: asyncio.Event
    ) -> None:
        while data := await reader.read(CHUNK_BYTES):
            if self.cut is not None and COMMIT in data:
                cut, self.cut = self.cut, None
                self.cuts += 1
                if cut is Cut.BEFORE:
                    return
                deaf.set()
            questions.write(data)
            await questions.drain()

    async def _answer(
        self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter, deaf: asyncio.Event
    ) -> None:
        while data := await answers.read(CHUNK_BYTES):
            if deaf.is_set():
                return  # the server has answered: it is done, and nobody is told
            writer.write(data)
            await writer.drain()

    def hang_up(self) -> None:
        """Let nobody in any more and break every wire."""
        self.down = True
        self._wires.cut()


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before the server of a URL, and the URL through it."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    proxy = Proxy(parts.hostname, parts.port or 5432)
    credentials = parts.netloc.rsplit("@", 1)[0]
    async with listening(proxy.serve, proxy.hang_up) as port:
        yield proxy, urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{port}"))
