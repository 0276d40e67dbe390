"""Begins a viewer's answer, and hands its connection over to whoever delivers."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from board.state.board_state import Version
from board.stream.broadcaster import Broadcaster
from board.stream.connection_handover import EXTENSION
from board.stream.sse_events import OPENING
from board.stream.subscriptions import Subscriptions

HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class StreamResponse(Response):
    """Server-sent events of one scope, down to one level, after the version the viewer says to have."""

    def __init__(
        self, audience: Subscriptions, delivery: Broadcaster, watched: tuple[str, str], last: Version | None
    ) -> None:
        self.status_code = 200
        self.background = None
        self._audience = audience
        self._delivery = delivery
        self._watched = watched
        self._last = last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write the head; the connection is the line's when this returns."""
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": OPENING, "more_body": True})
        hand_over = scope["extensions"][EXTENSION]
        self._delivery.begin(self._audience.enter(*self._watched, self._last), hand_over)
