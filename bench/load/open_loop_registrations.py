"""Registers people at a steady pace, whatever the answers take, and notes when each was answered 201.

Run as `python -m bench.load.open_loop_registrations PORT KEY RATE COUNT FIRST`, a process of its own so that nothing delays it.
It prints a JSON list of (kelurahan, monotonic seconds of the 201), in the order of the answers.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from contextlib import suppress
from typing import Any, Final

import uvloop

from bench.fixtures.event_backlog import kelurahan
from bench.fixtures.registration_database import AGENCY, CAMPAIGN

CONNECTIONS: Final = 64
ANSWERED_S_MAX: Final = 30.0


class Booth(asyncio.Protocol):
    """One connection: a request, its answer, then back among the free ones."""

    def __init__(self, loop: OpenLoop) -> None:
        self._loop = loop
        self._transport: Any = None
        self._held = b""
        self._region = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is free."""
        self._transport = transport
        self._loop.free.append(self)

    def ask(self, region: str, request: bytes) -> None:
        """Send a request."""
        self._region, self._held = region, b""
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take the answer, which ends with its JSON object."""
        self._held += data
        if self._held.endswith(b"}"):
            self._loop.answered(self, self._region, self._held[9:12])


class OpenLoop:
    """Requests that are due, booths that are free, and what was answered."""

    def __init__(self, key: str, first: int) -> None:
        self.free: deque[Booth] = deque()
        self.moments: list[tuple[str, float]] = []
        self.refused = b""
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._key = key
        self._first = first
        self._regions = kelurahan()

    def due(self, number: int) -> None:
        """It is time for this one."""
        region = self._regions[number % len(self._regions)]
        self._waiting.append((region, _request(self._first + number, region, self._key)))
        self._send()

    def answered(self, booth: Booth, region: str, status: bytes) -> None:
        """Note an answer."""
        if status != b"201":
            self.refused = status
            return
        self.moments.append((region, time.monotonic()))
        self.free.append(booth)
        self._send()

    def _send(self) -> None:
        while self._waiting and self.free:
            self.free.popleft().ask(*self._waiting.popleft())


def _request(number: int, region: str, key: str) -> bytes:
    born = f"{1 + number % 28:02d}{1 + number // 28 % 12:02d}{number // 336 % 100:02d}"
    body = json.dumps(
        {
            "name": f"Peserta {number}",
            "nik": f"319901{born}{number // 33_600 % 10_000:04d}",
            "region": region,
            "agency": AGENCY,
            "campaign": CAMPAIGN,
            "consent": "2026-01",
        }
    )
    head = (
        f"POST /v1/participants HTTP/1.1\r\nHost: register\r\nAuthorization: Bearer {key}\r\n"
        f"Idempotency-Key: open-{number}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


async def main(port: int, key: str, rate: float, count: int, first: int) -> None:
    """Ask at the pace; wait for the answers."""
    loop = asyncio.get_running_loop()
    opened = OpenLoop(key, first)
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Booth(opened), "127.0.0.1", port)
    began_s = loop.time()
    for number in range(count):
        late_s = began_s + number / rate - loop.time()
        if late_s > 0:
            await asyncio.sleep(late_s)
        opened.due(number)
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWERED_S_MAX):
            while len(opened.moments) < count and not opened.refused:
                await asyncio.sleep(0.01)
    if opened.refused:
        raise SystemExit(f"answered {opened.refused.decode()}")
    sys.stdout.write(json.dumps(opened.moments) + "\n")


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])))
