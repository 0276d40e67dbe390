"""An ASGI fast path for `POST /v1/participants`: valid requests go to the handler without FastAPI.

The fast path has no rules of its own. It passes every other request to the application unchanged, before the
request has had any effect, and the application answers as the OpenAPI document says. Both paths give the same
responses.
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
from registration.api.authentication import Authenticator
from registration.api.operation_submission import ReceivedRequest, RequestHandler
from registration.api.request_reader import received_request
from registration.api.response_models import answer_headers, answer_json
from registration.domain.idempotent_operation import DONE, Answer
from registration.requests.body_validator import BodyValidator
from registration.requests.request_models import RegisterBody
from registration.store.error_classification import DATABASE_ERRORS

PATH: Final = "/v1/participants"
HEADERS: Final[Mapping[bytes, str]] = {
    name.encode(): name
    for name in ("authorization", "content-length", "idempotency-key", "if-match", "traceparent")
}
"""The request headers that the fast path reads."""
JSON_TYPE: Final = (b"content-type", b"application/json")


class FastPath:
    """An ASGI application that wraps the FastAPI application and all its middleware."""

    def __init__(
        self,
        app: ASGIApp,
        handler: RequestHandler,
        authenticator: Authenticator,
        validator: BodyValidator,
        body_bytes_max: int,
    ) -> None:
        self._app = app
        self._handler = handler
        self._authenticator = authenticator
        self._validator = validator
        self._body_bytes_max = body_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle valid registrations; pass all other requests to the application."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        announced = headers.get("content-length", "")
        if not announced.isdigit() or int(announced) > self._body_bytes_max:
            await self._app(scope, receive, send)
            return
        messages = await _messages(receive)
        body = b"".join(message.get("body", b"") for message in messages)
        registration = await self._parse(scope, headers, body)
        if registration is None:
            await self._app(scope, _replay(messages, receive), send)
            return
        try:
            answer = await self._register(*registration)
        except Problem as problem:
            await respond(Request(scope), problem)(scope, receive, send)
        except Exception as error:  # nothing outside of this class turns it into a response
            await (await internal_error(Request(scope), error))(scope, receive, send)
        else:
            await _send(answer, send)

    async def _parse(
        self, scope: Scope, headers: Mapping[str, str], body: bytes
    ) -> tuple[RegisterBody, ReceivedRequest] | None:
        """Return the valid body and the request, or None if the application must respond with an error."""
        client = scope.get("client")
        try:
            caller = await self._authenticator.authenticate_header(headers.get("authorization"))
            request = received_request(caller, client[0] if client else "", PATH, headers.get, body)
            return self._validator.validate_with_cached_scopes(RegisterBody, body), request
        except (Problem, ValidationError, *DATABASE_ERRORS):
            return None

    async def _register(self, body: RegisterBody, request: ReceivedRequest) -> Answer:
        self._handler.rate_limit(request)
        answer = await self._handler.register_validated(body, request)
        if answer.outcome != DONE:
            raise problem_responses.refusal_problem(answer)
        return answer


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers in `HEADERS` by name. If a header is repeated, its first value counts."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name in HEADERS:
            found.setdefault(HEADERS[name], value.decode("latin-1"))
    return found


async def _messages(receive: Receive) -> list[Message]:
    """Receive the whole body. The server ends it at the length that the client announced."""
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    return messages


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """Return a `receive` function that first returns the messages already received."""
    received = iter(messages)

    async def replay() -> Message:
        for message in received:
            return message
        return await receive()

    return replay


async def _send(answer: Answer, send: Send) -> None:
    body = answer_json(answer)
    headers = [(name.encode(), value.encode()) for name, value in answer_headers(answer).items()]
    headers += [(b"content-length", b"%d" % len(body)), JSON_TYPE]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": body})
