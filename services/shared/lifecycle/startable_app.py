"""An HTTP application that serves health from the start, and everything else once the process has started."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from telemetry.health import Health
from telemetry.health_endpoints import plain_app

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

RETRY_AFTER_S: Final = 2
BODY: Final = json.dumps({"type": "about:blank", "title": "The process is starting", "status": 503}).encode()
HEADERS: Final = [
    (b"content-type", b"application/problem+json"),
    (b"content-length", b"%d" % len(BODY)),
    (b"retry-after", b"%d" % RETRY_AFTER_S),
]


class StartableApp:
    """Until `start` is called, answers health and metrics, and every other request with 503."""

    def __init__(self, health: Health) -> None:
        self._health_app: App = plain_app(health)
        self._app: App | None = None

    def start(self, app: App) -> None:
        """From now on, pass all requests to the application, which serves health, too."""
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http" and not scope["path"].startswith(("/health/", "/metrics")):
            await send({"type": "http.response.start", "status": 503, "headers": HEADERS})
            await send({"type": "http.response.body", "body": BODY})
        else:
            await self._health_app(scope, receive, send)
