"""The short way of registrations: what is in order goes from its bytes to the writer, past the framework.

Nothing is decided here. A request that is unusual in any way, before anything has happened for it, goes the
ordinary way through the application, whose answers are the description's; what both tell is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from problems.fastapi_handlers import internal_error, respond
from problems.problem import Problem
from registration.api import problem_responses
from registration.api.authentication import Authenticator, sent
from registration.api.registrations import ReceivedRequest, RequestHandler
from registration.api.response_models import answer_headers, answer_json
from registration.domain.operation import DONE, Answer
from registration.requests.body_validator import BodyValidator
from registration.requests.request_models import RegisterBody
from registration.store.errors import DATABASE_ERRORS

PATH: Final = "/v1/participants"
READ: Final[Mapping[bytes, str]] = {
    name.encode(): name
    for name in ("authorization", "content-length", "idempotency-key", "if-match", "traceparent")
}
JSON_TYPE: Final = (b"content-type", b"application/json")


class FastPath:
    """An ASGI application around another, outside of all its middleware."""

    def __init__(
        self,
        app: ASGIApp,
        desk: RequestHandler,
        callers: Authenticator,
        checker: BodyValidator,
        body_bytes_max: int,
    ) -> None:
        self._app = app
        self._desk = desk
        self._callers = callers
        self._checker = checker
        self._body_bytes_max = body_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Register whom a good request names; anything else is the application's."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        announced = headers.get("content-length", "")
        if not announced.isdigit() or int(announced) > self._body_bytes_max:
            await self._app(scope, receive, send)
            return
        messages = await _messages(receive)
        taken = await self._read(scope, headers, b"".join(each.get("body", b"") for each in messages))
        if taken is None:
            await self._app(scope, _again(messages, receive), send)
            return
        try:
            answer = await self._registered(*taken)
        except Problem as problem:
            await respond(Request(scope), problem)(scope, receive, send)
        except Exception as error:  # the edge: outside of the application nobody else answers this one
            await (await internal_error(Request(scope), error))(scope, receive, send)
        else:
            await _send(answer, send)

    async def _read(
        self, scope: Scope, headers: Mapping[str, str], body: bytes
    ) -> tuple[RegisterBody, ReceivedRequest] | None:
        """The request and its checked body; None where the application has to say what is wrong."""
        client = scope.get("client")
        try:
            caller = await self._callers.holder(headers.get("authorization"))
            request = sent(caller, client[0] if client else "", PATH, headers.get, body)
            return self._checker.known(RegisterBody, body), request
        except (Problem, ValidationError, *DATABASE_ERRORS):
            return None

    async def _registered(self, body: RegisterBody, request: ReceivedRequest) -> Answer:
        self._desk.admit(request)
        answer = await self._desk.take(body, request)
        if answer.outcome != DONE:
            raise problem_responses.refused(answer)
        return answer


def _headers(scope: Scope) -> dict[str, str]:
    """Those that are read, by name; the first where one comes twice."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name in READ:
            found.setdefault(READ[name], value.decode("latin-1"))
    return found


async def _messages(receive: Receive) -> list[Message]:
    """The body as it came; the server ends it at its announced length."""
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    return messages


def _again(messages: list[Message], receive: Receive) -> Receive:
    """A `receive` that begins with what was received."""
    waiting = iter(messages)

    async def first() -> Message:
        for message in waiting:
            return message
        return await receive()

    return first


async def _send(answer: Answer, send: Send) -> None:
    body = answer_json(answer)
    headers = [(name.encode(), value.encode()) for name, value in answer_headers(answer).items()]
    headers += [(b"content-length", b"%d" % len(body)), JSON_TYPE]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": body})
