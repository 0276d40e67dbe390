"""Sends registrations at a constant rate, however long the responses take, and records the time of each 201.

Run as `python -m bench.load.open_loop_registrations PORT KEY RATE COUNT FIRST`, in its own process so that no
other work delays the requests. It prints a JSON list of (kelurahan, monotonic seconds of the 201) in the
order of the responses.
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
RESPONSE_S_MAX: Final = 30.0


class Connection(asyncio.Protocol):
    """An HTTP connection that waits for at most one response at a time."""

    def __init__(self, client: OpenLoopClient) -> None:
        self._client = client
        self._transport: Any = None
        self._received = b""
        self._region = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Add this connection to the free connections."""
        self._transport = transport
        self._client.free.append(self)

    def send(self, region: str, request: bytes) -> None:
        """Send a request."""
        self._region, self._received = region, b""
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Collect the response, which ends with a JSON object, and report its status."""
        self._received += data
        if self._received.endswith(b"}"):
            self._client.record_response(self, self._region, self._received[9:12])


class OpenLoopClient:
    """The requests that are due, the free connections, and the times of the responses."""

    def __init__(self, key: str, first: int) -> None:
        self.free: deque[Connection] = deque()
        self.response_times: list[tuple[str, float]] = []
        self.refused = b""
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._key = key
        self._first = first
        self._regions = kelurahan()

    def enqueue(self, number: int) -> None:
        """Queue the request with this number and send it as soon as a connection is free."""
        region = self._regions[number % len(self._regions)]
        self._waiting.append((region, _request(self._first + number, region, self._key)))
        self._send()

    def record_response(self, connection: Connection, region: str, status: bytes) -> None:
        """Record the time of a response 201, or the status of any other response."""
        if status != b"201":
            self.refused = status
            return
        self.response_times.append((region, time.monotonic()))
        self.free.append(connection)
        self._send()

    def _send(self) -> None:
        while self._waiting and self.free:
            self.free.popleft().send(*self._waiting.popleft())


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
    """Send the requests at the rate and wait for their responses."""
    loop = asyncio.get_running_loop()
    client = OpenLoopClient(key, first)
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Connection(client), "127.0.0.1", port)
    began_s = loop.time()
    for number in range(count):
        wait_s = began_s + number / rate - loop.time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        client.enqueue(number)
    with suppress(TimeoutError):
        async with asyncio.timeout(RESPONSE_S_MAX):
            while len(client.response_times) < count and not client.refused:
                await asyncio.sleep(0.01)
    if client.refused:
        raise SystemExit(f"a registration was answered {client.refused.decode()}")
    sys.stdout.write(json.dumps(client.response_times) + "\n")


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])))
