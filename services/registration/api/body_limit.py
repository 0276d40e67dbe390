"""ASGI middleware that refuses over-long request bodies with 413, and never reads them to their end."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from problems.fastapi_handlers import respond
from problems.problem import Problem
from registration.api import problem_responses


def too_large_problem() -> Problem:
    """Return the problem 413 of an over-long body. The server closes the connection after the response."""
    return problem_responses.problem(413, "too-large", problem_responses.TOO_LARGE, {"Connection": "close"})


class BodyLimit:
    """Limits request bodies to `bytes_max`, except under `except_prefixes`, where other limits apply."""

    def __init__(self, app: ASGIApp, bytes_max: int, except_prefixes: Collection[str] = ()) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._except_prefixes = tuple(except_prefixes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with 413 if the announced length, or the length received so far, exceeds the limit."""
        if scope["type"] != "http" or scope["path"].startswith(self._except_prefixes):
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdigit() or int(announced) > self._bytes_max:
            await respond(Request(scope), too_large_problem())(scope, receive, send)
            return
        received_bytes = 0

        async def counting_receive() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > self._bytes_max:
                # The endpoint reading the body gets this error. The application turns it into a response.
                raise too_large_problem()
            return message

        await self._app(scope, counting_receive, send)
