"""Sends one viewer its events: an ASGI response that ends when the viewer goes or the board stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from board.audience import Audience, Viewer
from board.showing import Version
from board.sse import OPENING

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class StreamResponse(Response):
    """Server-sent events of one scope, down to one level, after the version the viewer says to have."""

    def __init__(
        self, audience: Audience, clock: Callable[[], float], watched: tuple[str, str], last: Version | None
    ) -> None:
        self.status_code = 200
        self.background = None
        self._audience = audience
        self._clock = clock
        self._watched = watched
        self._last = last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        viewer = self._audience.enter(*self._watched, self._last)
        viewer.task = asyncio.current_task()
        disconnect = asyncio.ensure_future(_disconnected(receive, viewer))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await send({"type": "http.response.body", "body": OPENING, "more_body": True})
            await self._send_all(viewer, send)
            await send({"type": "http.response.body", "body": b""})
        except asyncio.CancelledError:
            # Let go by the audience for taking nothing: the connection closes without an end.
            if not viewer.gone:
                raise
        finally:
            disconnect.cancel()
            self._audience.leave(viewer)

    async def _send_all(self, viewer: Viewer, send: Send) -> None:
        while True:
            await viewer.wake.wait()
            viewer.wake.clear()
            if viewer.gone:
                return
            chunk = self._audience.take(viewer)
            if chunk:
                viewer.sending_since_s = self._clock()
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                viewer.sending_since_s = None


async def _disconnected(receive: Receive, viewer: Viewer) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    viewer.gone = True
    viewer.wake.set()
