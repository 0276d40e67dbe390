"""Answers HEAD wherever GET is answered (RFC 9110, 9.3.2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def with_head(app: App) -> App:
    """Return an ASGI application that treats HEAD as GET; the server omits the body of the response.

    The extensions of the server are withheld: they give access to a response's connection, and a response to
    HEAD ends with its headers.
    """

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", "extensions": {}}
        await app(scope, receive, send)

    return answer
