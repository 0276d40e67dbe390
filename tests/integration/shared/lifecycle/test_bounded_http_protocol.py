"""A client that sends an excessive head, or that sends too slowly, loses its connection; others do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from lifecycle.bounded_http_protocol import (
    BODY_BYTES_PER_S_MIN,
    DISCARDED_BYTES_MAX,
    HEAD_BYTES_MAX,
    BoundedHttpProtocol,
)
from lifecycle.http_server import serve
from lifecycle.stop_signal import StopSignal
from tests.support.deadlines import until
from tests.support.ports import free_ports

pytestmark = pytest.mark.integration

DEADLINE_S = 30.0
SOCKET_BUFFERS_BYTES = 16 << 20
SHORT_S = 0.5
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class ImpatientProtocol(BoundedHttpProtocol):
    head_s_max = SHORT_S
    check_every_s = 0.05


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Answer 200 with the number of bytes of the body, or 401 without reading the body."""
    if scope["type"] != "http":
        return
    status, received, more = 401, 0, scope["path"] == "/read"
    while more:
        message = await receive()
        status, received = 200, received + len(message.get("body", b""))
        more = message.get("more_body", False)
    body = str(received).encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def connection(protocol: type[BoundedHttpProtocol] = BoundedHttpProtocol) -> AsyncIterator[Connection]:
    """Serve the application, and open a connection to it."""
    stopping, (port,) = StopSignal(), free_ports(1)
    server = asyncio.create_task(
        serve(application, "127.0.0.1", port, stopping, http=protocol, lifespan="off")
    )
    try:
        opened = await until(lambda: _open(port), DEADLINE_S, 0.05)
        assert opened is not None
        yield opened
        opened[1].close()
    finally:
        stopping.set()
        await server


async def _open(port: int) -> Connection | None:
    with suppress(ConnectionRefusedError):
        return await asyncio.open_connection("127.0.0.1", port)
    return None


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Return everything until the server closes the connection."""
    received = b""
    with suppress(ConnectionResetError):
        while part := await asyncio.wait_for(reader.read(65_536), DEADLINE_S):
            received += part
    return received


def head(filler_bytes: int) -> bytes:
    return b"GET /read HTTP/1.1\r\nhost: x\r\nfiller: " + b"f" * filler_bytes


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"], ids=["incomplete", "complete"])
async def test_a_head_that_is_too_large_is_refused(end: bytes) -> None:
    async with connection() as (reader, writer):
        writer.write(head(HEAD_BYTES_MAX) + end)

        assert (await rest(reader)).startswith(b"HTTP/1.1 431 ")


async def test_a_request_line_that_is_too_long_is_refused() -> None:
    async with connection() as (reader, writer):
        writer.write(b"GET /" + b"p" * HEAD_BYTES_MAX)

        assert (await rest(reader)).startswith(b"HTTP/1.1 431 ")


async def test_a_head_within_the_limit_is_accepted_also_for_later_requests_of_the_connection() -> None:
    async with connection() as (reader, writer):
        for _ in range(3):
            writer.write(head(HEAD_BYTES_MAX - 200) + b"\r\n\r\n")
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n0"), DEADLINE_S)
            assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /read HT", b"POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf"],
    ids=["nothing", "half a head", "half a body"],
)
async def test_a_connection_on_which_a_request_does_not_end_is_closed(sent: bytes) -> None:
    async with connection(ImpatientProtocol) as (reader, writer):
        writer.write(sent)

        assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_arrives_steadily_may_take_longer_than_a_head() -> None:
    part = b"b" * (8 * BODY_BYTES_PER_S_MIN)
    async with connection(ImpatientProtocol) as (reader, writer):
        writer.write(b"POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (4 * len(part)))
        for _ in range(4):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(SHORT_S / 2)  # the pace of the client

        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE_S)

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_the_body_of_a_request_that_was_refused_without_reading_it_is_not_taken_to_its_end() -> None:
    async with connection() as (reader, writer):
        writer.write(b"POST /refused HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (200 << 20))
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE_S)
        sent = 0
        with suppress(ConnectionError):
            while sent < 200 << 20:
                writer.write(bytes(65_536))
                await asyncio.wait_for(writer.drain(), DEADLINE_S)
                sent += 65_536

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert sent < DISCARDED_BYTES_MAX + SOCKET_BUFFERS_BYTES


async def test_bytes_that_are_no_request_are_answered_400() -> None:
    async with connection() as (reader, writer):
        writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")

        assert (await rest(reader)).startswith(b"HTTP/1.1 400 ")
