"""Reads and validates HTTP requests, rate-limits the public, and submits the requests as operations."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final
from uuid import UUID

import msgspec
from fastapi import Request

from http_semantics.entity_tags import revision_of
from problems.problem import Problem
from registration import metrics
from registration.api import problem_responses
from registration.api.public_limits import PublicLimits
from registration.auth.callers import Caller
from registration.cipher import Cipher
from registration.domain.cloud_event import valid_traceparent
from registration.domain.commands import Command
from registration.domain.idempotent_operation import DONE, Answer, Operation
from registration.intake.group_commit import OverloadedError
from registration.requests import command_mapping
from registration.requests.body_validator import BodyValidator
from registration.requests.command_mapping import ChangeBody
from registration.requests.request_models import RegisterBody

REGISTER_ROUTE: Final = "register"
IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")


class ReceivedRequest(msgspec.Struct, frozen=True):
    """An HTTP request whose body has been read.

    `address` is the client's IP address, and `key` is the idempotency key.
    """

    caller: Caller
    address: str
    key: str
    body: bytes
    path: str
    if_match: int | None = None
    traceparent: str | None = None


async def read_request(caller: Caller, request: Request) -> ReceivedRequest:
    """Read the body and the headers of a request.

    Raises Problem 400 for malformed headers, or Problem 413 for an over-long body.
    """
    address = request.client.host if request.client is not None else ""
    body = await request.body()
    return received_request(caller, address, request.scope["path"], request.headers.get, body)


def received_request(
    caller: Caller, address: str, path: str, header: Callable[[str], str | None], body: bytes
) -> ReceivedRequest:
    """Return the parsed request. `header` returns the value of a header by its lower-case name.

    Raises Problem 400 for malformed headers.
    """
    return ReceivedRequest(
        caller=caller,
        address=address,
        key=idempotency_key(header("idempotency-key")),
        body=body,
        path=path,
        if_match=if_match_revision(header("if-match")),
        traceparent=valid_traceparent(header("traceparent")),
    )


def idempotency_key(header: str | None) -> str:
    """Return the idempotency key in the header; without the header, a new key for this request only.

    Raises Problem 400 if the header is malformed.
    """
    if header is None:
        return f"attempt:{uuid.uuid4()}"
    if IDEMPOTENCY_KEY.fullmatch(header) is None:
        raise problem_responses.problem(400, "idempotency-key", problem_responses.BAD_IDEMPOTENCY_KEY)
    return header


def if_match_revision(header: str | None) -> int | None:
    """Return the revision that the header If-Match requires; None if it accepts every revision.

    Raises Problem 400 if the header is malformed.
    """
    if header is None or header.strip() == "*":
        return None
    revision = revision_of(header)
    if revision is None:
        raise problem_responses.problem(400, "if-match", problem_responses.BAD_IF_MATCH)
    return revision


class RequestHandler:
    """Validates requests that register or change a participant, and submits their commands."""

    def __init__(
        self,
        submit: Callable[[Operation], Awaitable[Answer]],
        validator: BodyValidator,
        cipher: Cipher,
        limits: PublicLimits,
        new_id: Callable[[], UUID],
    ) -> None:
        self._submit = submit
        self._validator = validator
        self._cipher = cipher
        self._limits = limits
        self._new_id = new_id

    async def register(self, request: ReceivedRequest, venue: str | None = None) -> Answer:
        """Register a person. `venue` is the valid code of a venue.

        Raises Problem 400, 409, 422, 429 or 503.
        """
        if request.caller.role is None:
            body = await self._validate_public(request, venue)
        else:
            body = await self._validator.validate(RegisterBody, request.body)
        command = command_mapping.register_command(body, self._cipher, request.caller.channel, self._new_id)
        if request.caller.role is None:
            assert command.person.nik_hmac is not None, "every registration has a NIK"
            await self._limits.charge_nik(command.person.nik_hmac)
        return await self._submit_command(REGISTER_ROUTE, command, request)

    async def _validate_public(self, request: ReceivedRequest, venue: str | None) -> RegisterBody:
        """Return the valid body of a request without an API key, which counts against the limits."""
        charge = await self._limits.charge(request.address, venue)
        try:
            return await self._validator.validate(RegisterBody, request.body)
        except Problem as problem:
            if problem.status == HTTPStatus.UNPROCESSABLE_ENTITY:
                await self._limits.forgive(charge)
            raise

    async def change(
        self, route: str, model: type[ChangeBody], participant_id: UUID, request: ReceivedRequest
    ) -> Answer:
        """Submit a change of a participant. Raises Problem 400, 404, 409, 412, 422 or 503."""
        body = await self._validator.validate(model, request.body or b"{}")
        command = command_mapping.change_command(body, participant_id, request.if_match, self._cipher)
        return await self._submit_command(route, command, request)

    def fingerprint(self, request: ReceivedRequest) -> bytes:
        """Return a keyed digest of path, If-Match and body.

        A second request under the same idempotency key is a repeat only if it has the same fingerprint.
        """
        expected = b"" if request.if_match is None else str(request.if_match).encode()
        return self._cipher.body_hmac(request.path.encode(), expected, request.body)

    async def _submit_command(self, route: str, command: Command, request: ReceivedRequest) -> Answer:
        """Return the answer, which is `done`. Raises Problem if the command is refused or gets no answer."""
        operation = Operation(
            caller=request.caller.id,
            route=route,
            key=request.key,
            body_hmac=self.fingerprint(request),
            command=command,
            channel=request.caller.channel,
            traceparent=request.traceparent,
        )
        try:
            answer = await self._submit(operation)
        except OverloadedError as error:
            metrics.OPERATIONS.labels(route, error.reason.value).inc()
            raise problem_responses.overload_problem(error) from None
        metrics.OPERATIONS.labels(route, "replayed" if answer.replayed else answer.outcome).inc()
        if answer.outcome != DONE:
            raise problem_responses.refusal_problem(answer)
        return answer
