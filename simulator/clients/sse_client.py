"""Reads the board's stream of server-sent events, coming back where a connection broke."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import msgspec

RETRY_DELAY_S: Final = 0.5
SILENCE_S_MAX: Final = 30.0


@dataclass(frozen=True, slots=True)
class Message:
    """One event of the stream."""

    event: str
    id: str
    data: bytes

    def rows(self) -> list[dict[str, Any]]:
        """The rows of a snapshot or a delta."""
        body = msgspec.json.decode(self.data)
        rows: list[dict[str, Any]] = body.get("rows", [])
        return rows


@dataclass(slots=True)
class Parser:
    """Turns lines into messages; pure. Format: WHATWG HTML, section 9.2.6, of which `retry` is not heeded."""

    last_id: str = ""
    _event: str = ""
    _data: list[bytes] = field(default_factory=list)

    def feed(self, line: bytes) -> Message | None:
        """Take one line without its end; a message where it completes one."""
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
    """The messages of a stream, without end; a lost connection is taken up after the last id seen."""
    last_id = ""
    while True:
        parser = Parser(last_id)
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=SILENCE_S_MAX)
        try:
            async with session.get(url, headers=headers, timeout=timeout) as response:
                response.raise_for_status()
                async for line in lines(response.content):
                    if message := parser.feed(line):
                        last_id = message.id
                        yield message
        except (aiohttp.ClientError, TimeoutError):
            pass  # the board restarts or is silent: come back
        await asyncio.sleep(RETRY_DELAY_S)


async def lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length: the reader's own iteration refuses those over 64 KiB, and a snapshot is longer."""
    rest = b""
    async for chunk in content.iter_any():
        *complete, rest = (rest + chunk).split(b"\n")
        for line in complete:
            yield line.removesuffix(b"\r")
