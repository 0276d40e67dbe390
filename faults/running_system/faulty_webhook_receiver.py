"""A webhook receiver with injectable faults. It stores on disk the calls that it has processed."""

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
PRIVATE_HOST: Final = "127.0.0.2"
"""A local address outside the networks to which webhooks may be sent."""


class Behaviour(Enum):
    """How the receiver responds to a call; the value is the name of the fault."""

    NORMAL = "answers 204"
    ERROR = "answers 500"
    BUSY = "answers 429 with Retry-After"
    HANG = "hangs"
    NO_RESPONSE = "processes the call and closes the connection"
    REDIRECT = "redirects to a private address"


class FaultyReceiver:
    """Responds to webhook calls as `behaviour` says."""

    def __init__(self, folder: Path, secret: str) -> None:
        self._calls = Calls(folder)
        self._secret = secret
        self.behaviour = Behaviour.NORMAL
        self.redirected = 0
        """The number of calls that followed the redirect to the private address."""
        self.private_port = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Respond to one call."""
        body = await request.read()
        behaviour = self.behaviour
        if behaviour is Behaviour.ERROR:
            return web.Response(status=500)
        if behaviour is Behaviour.BUSY:
            return web.Response(status=429, headers={"Retry-After": "2"})
        if behaviour is Behaviour.HANG:
            await asyncio.sleep(HANG_S)
            return web.Response(status=500)
        if behaviour is Behaviour.REDIRECT:
            location = f"http://{PRIVATE_HOST}:{self.private_port}/"
            return web.Response(status=307, headers={"Location": location})
        is_genuine = verify_and_store(self._calls, self._secret, request.headers, body)
        if behaviour is Behaviour.NO_RESPONSE and request.transport is not None:
            request.transport.abort()
        return web.Response(status=204 if is_genuine else 401)

    async def record_redirected(self, _: web.Request) -> web.Response:
        """Count a call to the private address. The notifier must not follow a redirect to it."""
        self.redirected += 1
        return web.Response(status=204)


@asynccontextmanager
async def open_receiver(folder: Path, secret: str, port: int) -> AsyncIterator[FaultyReceiver]:
    """Open the receiver on a local port, and a second server on the private address."""
    receiver = FaultyReceiver(folder, secret)
    private_app, app = web.Application(), web.Application(client_max_size=BODY_BYTES_MAX)
    app.add_routes([web.post(r"/{path:.*}", receiver.handle)])
    private_app.add_routes([web.route("*", r"/{path:.*}", receiver.record_redirected)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    private_runner = web.AppRunner(private_app, shutdown_timeout=0.1)
    try:
        await runner.setup()
        await private_runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await web.TCPSite(private_runner, PRIVATE_HOST, 0).start()
        receiver.private_port = private_runner.addresses[0][1]
        yield receiver
    finally:
        await runner.cleanup()
        await private_runner.cleanup()
