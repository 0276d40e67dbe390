"""A receiver of webhooks that can be told to misbehave; what it has processed it keeps on disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from pathlib import Path
from typing import Final

from aiohttp import web

from deploy.local.webhook_receiver import BODY_BYTES_MAX, Calls, verify_and_store

HANG_S: Final = 30.0
TRAP_HOST: Final = "127.0.0.2"
"""An address of this machine that lies outside the networks webhooks may go to."""


class Manner(Enum):
    """How calls are answered."""

    GOOD = "answers 204"
    ERROR = "answers 500"
    BUSY = "answers 429 with Retry-After"
    HANG = "hangs"
    LOST = "processes the call and hangs up"
    REDIRECT = "redirects to a private address"


class Receiver:
    """Takes calls in the manner set."""

    def __init__(self, folder: Path, secret: str) -> None:
        self._calls = Calls(folder)
        self._secret = secret
        self.manner = Manner.GOOD
        self.trapped = 0
        """Calls that followed the redirect."""
        self.trap_port = 0

    async def take(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        body = await request.read()
        manner = self.manner
        if manner is Manner.ERROR:
            return web.Response(status=500)
        if manner is Manner.BUSY:
            return web.Response(status=429, headers={"Retry-After": "2"})
        if manner is Manner.HANG:
            await asyncio.sleep(HANG_S)
            return web.Response(status=500)
        if manner is Manner.REDIRECT:
            return web.Response(status=307, headers={"Location": f"http://{TRAP_HOST}:{self.trap_port}/"})
        genuine = verify_and_store(self._calls, self._secret, request.headers, body)
        if manner is Manner.LOST and request.transport is not None:
            request.transport.abort()
        return web.Response(status=204 if genuine else 401)

    async def spring(self, _: web.Request) -> web.Response:
        """A call at the address that nobody may be led to."""
        self.trapped += 1
        return web.Response(status=204)


@asynccontextmanager
async def receiving(folder: Path, secret: str, port: int) -> AsyncIterator[Receiver]:
    """A receiver on a port of this machine, and its trap."""
    receiver = Receiver(folder, secret)
    trap, app = web.Application(), web.Application(client_max_size=BODY_BYTES_MAX)
    app.add_routes([web.post(r"/{path:.*}", receiver.take)])
    trap.add_routes([web.route("*", r"/{path:.*}", receiver.spring)])
    runners = [web.AppRunner(app, shutdown_timeout=0.1), web.AppRunner(trap, shutdown_timeout=0.1)]
    try:
        for runner in runners:
            await runner.setup()
        await web.TCPSite(runners[0], "127.0.0.1", port).start()
        await web.TCPSite(runners[1], TRAP_HOST, 0).start()
        receiver.trap_port = runners[1].addresses[0][1]
        yield receiver
    finally:
        for runner in runners:
            await runner.cleanup()
