"""Streams server-sent events as Starlette's documentation shows, with a waiting generator per viewer.

Run as `python -m bench.rivals.starlette_sse_server PORT`. Each line on standard input is a number and an
event in hexadecimal. The first event is sent to every new viewer, the others to all viewers.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

events_to_send: list[bytes] = []
"""The first event, which each new viewer gets, and the newest event."""
viewers: set[asyncio.Event] = set()


async def stream(_request: Request) -> Response:
    """Respond with an event stream."""
    return StreamingResponse(events(), media_type="text/event-stream")


async def events() -> AsyncIterator[bytes]:
    """Yield the events for one viewer: the first event, then the newest event each time it changes."""
    wake = asyncio.Event()
    viewers.add(wake)
    try:
        yield events_to_send[0]
        while True:
            await wake.wait()
            wake.clear()
            yield events_to_send[-1]
    finally:
        viewers.discard(wake)


async def read_events() -> None:
    """Read events from standard input until it ends."""
    lines = asyncio.StreamReader(limit=1 << 24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        events_to_send[1:] = [bytes.fromhex(line.split()[1].decode())]
        for wake in viewers:
            wake.set()


async def main(port: int) -> None:
    """Serve until standard input ends."""
    app = Starlette(routes=[Route("/v1/stream", stream)])
    config = uvicorn.Config(app, port=port, log_level="error", access_log=False)
    serving = asyncio.ensure_future(uvicorn.Server(config).serve())
    await read_events()
    serving.cancel()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1])))
