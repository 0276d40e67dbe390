"""The limit of request bodies. An over-long body is refused with 413 and never read to its end."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from problems.fastapi_handlers import respond
from problems.problem import Problem

TOO_LARGE: Final = {"id": "Isi permintaan terlalu besar.", "en": "The body is too large."}


def too_large_problem() -> Problem:
    """Return the problem 413 of an over-long body. The server closes the connection after the response."""
    return Problem(413, "too-large", TOO_LARGE, headers={"Connection": "close"})


def check_announced_length(content_length: str, bytes_max: int) -> None:
    """Raise Problem 413 if the header Content-Length is malformed or exceeds the limit."""
    if not content_length.isdigit() or int(content_length) > bytes_max:
        raise too_large_problem()


async def read_body(receive: Receive, bytes_max: int) -> bytes:
    """Return the whole body.

    Raises Problem 413 as soon as the limit is exceeded, or ClientDisconnect if the body is incomplete.
    """
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > bytes_max:
            raise too_large_problem()
        more = message.get("more_body", False)
    return body


class BodyLimit:
    """ASGI middleware that limits bodies to `bytes_max`, except under `unlimited_path` if it is given."""

    def __init__(self, app: ASGIApp, bytes_max: int, unlimited_path: str | None = None) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._unlimited_path = unlimited_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with 413 if the announced length, or the length received so far, exceeds the limit."""
        if scope["type"] != "http" or self._is_unlimited(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            check_announced_length(Headers(scope=scope).get("content-length", "0"), self._bytes_max)
        except Problem as problem:
            await respond(Request(scope), problem)(scope, receive, send)
            return
        received_bytes, is_answered = 0, False

        async def counting_receive() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > self._bytes_max:
                raise too_large_problem()
            return message

        async def first_send(message: Message) -> None:
            nonlocal is_answered
            # FastAPI would answer 400 to the error above, because it takes it for a malformed body.
            if is_answered or received_bytes <= self._bytes_max:
                is_answered = True
                await send(message)

        try:
            await self._app(scope, counting_receive, first_send)
        except Problem:
            if received_bytes <= self._bytes_max:
                raise
        if received_bytes > self._bytes_max and not is_answered:
            await respond(Request(scope), too_large_problem())(scope, receive, send)

    def _is_unlimited(self, path: str) -> bool:
        return self._unlimited_path is not None and f"{path}/".startswith(f"{self._unlimited_path}/")
