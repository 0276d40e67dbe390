"""Refuses bodies that are too large before they are read."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from problems.fastapi_handlers import respond
from problems.problem import Problem
from registration.api import problem_responses


def too_large() -> Problem:
    """413."""
    return problem_responses.plain(413, "too-large", problem_responses.TOO_LARGE, {"Connection": "close"})


class BodyLimit:
    """An ASGI middleware; paths under `except_prefixes` have limits of their own."""

    def __init__(self, app: ASGIApp, bytes_max: int, except_prefixes: Collection[str] = ()) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._except = tuple(except_prefixes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413 by the announced length, or once more has come than is allowed."""
        if scope["type"] != "http" or scope["path"].startswith(self._except):
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdigit() or int(announced) > self._bytes_max:
            await respond(Request(scope), too_large())(scope, receive, send)
            return
        come = 0

        async def counted() -> Message:
            nonlocal come
            message = await receive()
            come += len(message.get("body", b""))
            if come > self._bytes_max:
                # Raised inside the endpoint that reads, and answered like any other problem.
                raise too_large()
            return message

        await self._app(scope, counted, send)
