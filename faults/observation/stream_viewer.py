"""A viewer of the board's stream, who changes between the two replicas of the board and reconnects."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import msgspec

from faults.running_system.system_under_test import SystemUnderTest
from simulator.clients.sse_client import Parser, lines

VIEW_S: Final = 7.0
"""The viewer reads from one replica for this time, and then changes to the other replica."""
RECONNECT_DELAY_S: Final = 0.1


@dataclass(frozen=True)
class StreamMessage:
    """A message of the stream: the replica that sent it, the cut in its id, and the province's count."""

    replica: str
    term: int
    cut: int
    registered: int | None
    """None if the message does not contain the province."""


@dataclass
class StreamViewer:
    """Reads the stream from both replicas in turn, and sends the last received id as Last-Event-ID."""

    system: SystemUnderTest
    messages: list[StreamMessage] = field(default_factory=list)
    connections: int = 0
    _last_id: str = ""

    async def run(self) -> None:
        """Read the stream without end."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=2, sock_read=VIEW_S)
        async with aiohttp.ClientSession(timeout=timeout) as http:
            while True:
                await self._view(http, "board")
                await self._view(http, "board-2")
                await asyncio.sleep(RECONNECT_DELAY_S)

    async def _view(self, http: aiohttp.ClientSession, replica: str) -> None:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            await asyncio.wait_for(self._read_stream(http, replica), VIEW_S)

    async def _read_stream(self, http: aiohttp.ClientSession, replica: str) -> None:
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        url = f"http://127.0.0.1:{self.system.board_proxies[replica].port}/v1/stream?scope=all"
        async with http.get(url, headers=headers) as response:
            response.raise_for_status()
            self.connections += 1
            parser = Parser(self._last_id)
            async for line in lines(response.content):
                message = parser.feed(line)
                if message is not None and message.event in ("snapshot", "delta"):
                    self._record(replica, message.id, message.data)

    def _record(self, replica: str, id_: str, data: bytes) -> None:
        self._last_id = id_
        term, _, cut = id_.partition(".")
        registered = _province_count(msgspec.json.decode(data)["rows"])
        self.messages.append(StreamMessage(replica, int(term), int(cut), registered))


def _province_count(rows: Sequence[dict[str, Any]]) -> int | None:
    return next((row["counts"].get("registered") for row in rows if row["region"] == "31"), None)
