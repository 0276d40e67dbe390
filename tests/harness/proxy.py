"""A wire between a client and PostgreSQL that can be cut at COMMIT, before or after the server hears it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from urllib.parse import urlsplit, urlunsplit

COMMIT = b"COMMIT"


class Cut(Enum):
    """Where the wire breaks at the next COMMIT."""

    BEFORE = "the server never hears it"
    AFTER = "the server commits, and the client never hears that"


class Proxy:
    """Passes bytes on; `cut` breaks one wire at its COMMIT, `down` lets nobody in."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._open: set[asyncio.StreamWriter] = set()
        self.cut: Cut | None = None
        self.cuts = 0
        self.down = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's wire, until either side or a cut ends it."""
        if self.down:
            writer.transport.abort()
            return
        answers, questions = await asyncio.open_connection(*self._server)
        self._open |= {writer, questions}
        deaf = asyncio.Event()
        directions = {
            asyncio.ensure_future(self._ask(reader, questions, deaf)),
            asyncio.ensure_future(self._answer(answers, writer, deaf)),
        }
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
            for each in (writer, questions):
                each.transport.abort()
                self._open.discard(each)

    async def _ask(
        self, reader: asyncio.StreamReader, questions: asyncio.StreamWriter, deaf: asyncio.Event
    ) -> None:
        while data := await reader.read(1 << 16):
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
        while data := await answers.read(1 << 16):
            if deaf.is_set():
                return  # the server has answered: it is done, and nobody is told
            writer.write(data)
            await writer.drain()

    def hang_up(self) -> None:
        """Let nobody in any more and break every wire."""
        self.down = True
        for writer in self._open:
            writer.transport.abort()


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before the server of a URL, and the URL through it."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    proxy = Proxy(parts.hostname, parts.port or 5432)
    wires: set[asyncio.Task[None]] = set()
    server = await asyncio.start_server(
        lambda reader, writer: wires.add(asyncio.ensure_future(proxy.serve(reader, writer))), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    credentials = parts.netloc.rsplit("@", 1)[0]
    try:
        yield proxy, urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{port}"))
    finally:
        proxy.hang_up()
        server.close()
        await server.wait_closed()
        await asyncio.gather(*wires, return_exceptions=True)
