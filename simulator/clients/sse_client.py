"""A client of the board's server-sent events, which parses the stream and reconnects after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import msgspec

RETRY_DELAY_S: Final = 0.5
SILENCE_S_MAX: Final = 30.0


@dataclass(frozen=True, slots=True)
class Message:
    """A server-sent event."""

    event: str
    id: str
    data: bytes

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of a snapshot or delta."""
        body = msgspec.json.decode(self.data)
        rows: list[dict[str, Any]] = body.get("rows", [])
        return rows


@dataclass(slots=True)
class Parser:
    """Parses the lines of a stream into messages.

    The format is that of the WHATWG HTML standard, section 9.2.6. The field `retry` is ignored.
    """

    last_id: str = ""
    _event: str = ""
    _data: list[bytes] = field(default_factory=list)

    def feed(self, line: bytes) -> Message | None:
        """Parse a line, given without its line ending; return the message that it completes, else None."""
        if not line:
            message = Message(self._event or "message", self.last_id, b"\n".join(self._data))
            complete = bool(self._data)
            self._event, self._data = "", []
            return message if complete else None
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode()
        elif name == b"id" and b"\0" not in value:
            self.last_id = value.decode()
        return None


async def messages(session: aiohttp.ClientSession, url: str) -> AsyncIterator[Message]:
    """Yield the messages of a stream without end.

    After a lost connection, continue after the last message that was received.
    """
    last_id = ""
    while True:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=SILENCE_S_MAX)
        request = session.get(url, headers=headers, timeout=timeout)
        async with _connection_errors_ignored(), request as response:
            response.raise_for_status()
            async for message in _parse(response.content, last_id):
                last_id = message.id
                yield message
        await asyncio.sleep(RETRY_DELAY_S)


@asynccontextmanager
async def _connection_errors_ignored() -> AsyncIterator[None]:
    with suppress(aiohttp.ClientError, TimeoutError):  # the caller reconnects
        yield


async def _parse(content: aiohttp.StreamReader, last_id: str) -> AsyncIterator[Message]:
    parser = Parser(last_id)
    async for line in lines(content):
        if message := parser.feed(line):
            yield message


async def lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Yield lines of any length.

    Iterating over aiohttp's StreamReader fails at lines over 64 KiB, such as those of a snapshot.
    """
    rest = b""
    async for chunk in content.iter_any():
        *complete, rest = (rest + chunk).split(b"\n")
        for line in complete:
            yield line.removesuffix(b"\r")
