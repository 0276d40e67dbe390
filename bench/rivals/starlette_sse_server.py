"""A stream as Starlette's documentation has one: a generator per viewer that waits for the newest event.

Run as `python -m bench.rivals.starlette_sse_server PORT`. A line on its input is a number and the text of an
event in hexadecimal form; the first is what a viewer is sent when it comes.
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

told: list[bytes] = []
"""The first event and the newest."""
viewers: set[asyncio.Event] = set()


async def stream(_request: Request) -> Response:
    """The first event, then each newest."""
    return StreamingResponse(events(), media_type="text/event-stream")


async def events() -> AsyncIterator[bytes]:
    """What one viewer is sent."""
    wake = asyncio.Event()
    viewers.add(wake)
    try:
        yield told[0]
        while True:
            await wake.wait()
            wake.clear()
            yield told[-1]
    finally:
        viewers.discard(wake)


async def feed() -> None:
    """Take lines until there are no more."""
    lines = asyncio.StreamReader(limit=1 << 24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        told[1:] = [bytes.fromhex(line.split()[1].decode())]
        for wake in viewers:
            wake.set()


async def main(port: int) -> None:
    """Serve and be fed."""
    app = Starlette(routes=[Route("/v1/stream", stream)])
    config = uvicorn.Config(app, port=port, log_level="error", access_log=False)
    serving = asyncio.ensure_future(uvicorn.Server(config).serve())
    await feed()
    serving.cancel()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1])))
