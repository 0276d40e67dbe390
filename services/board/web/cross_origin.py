"""Lets pages of any origin read the public data, without credentials.

Source: WHATWG Fetch, 3.3 (CORS protocol). Starlette's middleware answers differently with and without the
header Origin. Then a cache could give a page of another origin a response that the page must not read.
"""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PUBLIC_PATHS: Final = ("/v1/", "/openapi.json")
PREFLIGHT_S_MAX: Final = 86_400
EXPOSED: Final = "ETag, Counts-As-Of, Counts-Audited-At, Retry-After"
RESPONSE_HEADERS: Final = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", EXPOSED.encode()),
]
PREFLIGHT_HEADERS: Final = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"%d" % PREFLIGHT_S_MAX),
]


class CrossOriginReads:
    """ASGI middleware that adds the CORS headers to all responses with public data, except a 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight request itself, and pass on everything else."""
        if scope["type"] != "http" or not scope["path"].startswith(PUBLIC_PATHS):
            await self._app(scope, receive, send)
            return
        if scope["method"] == "OPTIONS":
            await send({"type": "http.response.start", "status": 204, "headers": PREFLIGHT_HEADERS})
            await send({"type": "http.response.body"})
            return

        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *RESPONSE_HEADERS]}
            await send(message)

        await self._app(scope, receive, send_readable)
