"""The endpoint `POST /v1/participants`: it registers a person, and answers refusals and errors itself.

The endpoint needs none of FastAPI's middleware, so `registrations_first` calls it directly. Middleware and
router would add more than half to the endpoint's CPU time (docs/adr, number 10).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from problems.body_limit import check_announced_length, read_body
from registration.api.authentication import Authenticator
from registration.api.error_responses import error_response
from registration.api.openapi import (
    ANSWER_HEADERS,
    IDEMPOTENT,
    KEY_OPTIONAL,
    PUBLIC_RESPONSES,
    json_response,
    request_body,
)
from registration.api.operation_submission import RequestHandler, received_request
from registration.api.response_models import AnswerView, answer_headers, answer_json
from registration.domain.idempotent_operation import Answer
from registration.requests.request_models import RegisterBody

PATH: Final = "/v1/participants"
METHOD: Final = "POST"
HEADERS: Final[Mapping[bytes, str]] = {
    name.encode(): name
    for name in ("authorization", "content-length", "idempotency-key", "if-match", "traceparent")
}
"""The request headers that the endpoint reads."""
JSON_TYPE: Final = (b"content-type", b"application/json")
OPERATION: Final[Mapping[str, Any]] = {
    "tags": ["participants"],
    "summary": "Register a person",
    "operationId": "register_v1_participants_post",
    **KEY_OPTIONAL,
    **IDEMPOTENT,
    **request_body(RegisterBody),
    "responses": {
        "201": json_response("Registered", AnswerView, headers=ANSWER_HEADERS),
        **{str(status): response for status, response in PUBLIC_RESPONSES.items()},
    },
}
"""The endpoint's description in the OpenAPI document."""


class RegistrationEndpoint:
    """Registers the person in the body of a request."""

    def __init__(self, handler: RequestHandler, authenticator: Authenticator, body_bytes_max: int) -> None:
        self._handler = handler
        self._authenticator = authenticator
        self._body_bytes_max = body_bytes_max

    def route(self) -> Route:
        """Return the endpoint's route, by which FastAPI refuses other methods of the path."""
        return Route(PATH, self, methods=[METHOD])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. If the client disconnects before the end of the body, nothing is registered."""
        try:
            answer = await self._register(scope, receive)
        except ClientDisconnect:
            return
        except Exception as error:  # nothing outside of the endpoint turns it into a response
            response = await error_response(Request(scope), error)
            await response(scope, receive, send)
        else:
            await _send(answer, send)

    async def _register(self, scope: Scope, receive: Receive) -> Answer:
        headers = _headers(scope)
        check_announced_length(headers.get("content-length", "0"), self._body_bytes_max)
        caller = await self._authenticator.authenticate(headers.get("authorization"))
        body = await read_body(receive, self._body_bytes_max)
        client = scope.get("client")
        address = client[0] if client else ""
        return await self._handler.register(received_request(caller, address, PATH, headers.get, body))


def registrations_first(app: ASGIApp, endpoint: RegistrationEndpoint) -> ASGIApp:
    """Return an application that calls the endpoint for each `POST /v1/participants`, and else `app`."""

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == METHOD:
            await endpoint(scope, receive, send)
        else:
            await app(scope, receive, send)

    return dispatch


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers in `HEADERS` by name. If a header is repeated, its first value counts."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name in HEADERS:
            found.setdefault(HEADERS[name], value.decode("latin-1"))
    return found


async def _send(answer: Answer, send: Send) -> None:
    body = answer_json(answer)
    headers = [(name.encode(), value.encode()) for name, value in answer_headers(answer).items()]
    headers += [(b"content-length", b"%d" % len(body)), JSON_TYPE]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": body})
