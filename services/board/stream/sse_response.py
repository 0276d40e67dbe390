"""The response of /v1/stream. It writes its headers, then hands its connection over to the broadcaster."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from board.state.counts import Version
from board.stream.broadcaster import Broadcaster
from board.stream.sse_events import OPENING
from board.stream.subscriber_updates import Subscriptions
from board.stream.viewer_connection import EXTENSION

HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class StreamResponse(Response):
    """A response with the server-sent events of one scope, for regions down to one level.

    `scope_and_depth` contains the scope and the lowest level of region. `last_version` is the version that
    the viewer already has; None for a new viewer.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        subscriptions: Subscriptions,
        broadcaster: Broadcaster,
        scope_and_depth: tuple[str, str],
        last_version: Version | None,
    ) -> None:
        self.status_code = 200
        self.background = None
        self._subscriptions = subscriptions
        self._broadcaster = broadcaster
        self._scope_and_depth = scope_and_depth
        self._last_version = last_version

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write the response's headers and hand the connection over. The broadcaster sends the events.

        A response to HEAD ends with its headers: the request has no connection that could be handed over.
        """
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        hand_over = scope["extensions"].get(EXTENSION)
        if hand_over is None:
            await send({"type": "http.response.body"})
            return
        await send({"type": "http.response.body", "body": OPENING, "more_body": True})
        subscriber = self._subscriptions.add(*self._scope_and_depth, self._last_version)
        self._broadcaster.add(subscriber, hand_over)
