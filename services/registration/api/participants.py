"""The endpoints under `/v1/participants` that change and read participants, or look them up by NIK."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from fastapi import APIRouter, Request, Response

from registration.api import problem_responses
from registration.api.authentication import Authenticator
from registration.api.openapi import (
    CHANGE_RESPONSES,
    CONDITIONAL,
    JSON,
    KEY_REQUIRED,
    LOOKUP_RESPONSES,
    READ_RESPONSES,
    request_body,
    response_headers,
)
from registration.api.operation_submission import RequestHandler, read_request
from registration.api.response_models import (
    AnswerView,
    FormerRegistrationsView,
    ParticipantView,
    answer_headers,
    answer_json,
    participant_json,
)
from registration.auth.callers import Role
from registration.cipher import Cipher
from registration.domain.decision import Reason
from registration.domain.idempotent_operation import Answer
from registration.requests.body_validator import BodyValidator
from registration.requests.command_mapping import ChangeBody
from registration.requests.request_models import (
    CorrectBody,
    LookupBody,
    MergeBody,
    MoveBody,
    StepBody,
    WithdrawBody,
)
from registration.store.register_rows import QUERIES
from telemetry.logs import get

log = get()

# A proxy that compressed a response would also make its tag weak.
NOT_STORED: Final = {"Cache-Control": "no-store, no-transform"}

# For each route: the model of its body, and the lowest role that may call it.
CHANGES: Final[dict[str, tuple[type[ChangeBody], Role]]] = {
    "move": (MoveBody, Role.BOOTH),
    "steps": (StepBody, Role.BOOTH),
    "correct": (CorrectBody, Role.BOOTH),
    "withdraw": (WithdrawBody, Role.BOOTH),
    "merge": (MergeBody, Role.OFFICER),
}


def participants_router(
    handler: RequestHandler,
    authenticator: Authenticator,
    validator: BodyValidator,
    cipher: Cipher,
    pool: asyncpg.Pool[Any],
) -> APIRouter:
    """Create the router of the endpoints."""
    router = APIRouter(prefix="/v1/participants", tags=["participants"])

    @router.post(
        "/lookup",
        response_model=ParticipantView,
        responses=LOOKUP_RESPONSES,
        openapi_extra=request_body(LookupBody) | KEY_REQUIRED,
        summary="Find a participant by NIK",
    )
    async def lookup(request: Request) -> Response:
        caller = await authenticator.require_role(Role.OFFICER, request)
        body = await validator.validate(LookupBody, await request.body())
        row = await QUERIES.find_participant_by_nik(pool, nik_hmac=cipher.nik_hmac(body.nik))
        log.info("participant looked up", caller=caller.id, found=row is not None)
        return participant_response(row, cipher)

    @router.get(
        "/{participant_id}",
        response_model=ParticipantView,
        responses=READ_RESPONSES | {200: response_headers("ETag")},
        openapi_extra=KEY_REQUIRED,
        summary="Read a participant",
    )
    async def read(participant_id: UUID, request: Request) -> Response:
        await authenticator.require_role(Role.BOOTH, request)
        return participant_response(await QUERIES.find_participant(pool, id=participant_id), cipher)

    @router.get(
        "/{participant_id}/former-registrations",
        response_model=FormerRegistrationsView,
        responses=READ_RESPONSES,
        openapi_extra=KEY_REQUIRED,
        summary="Read what the register had of a participant who returned",
    )
    async def former_registrations(participant_id: UUID, request: Request) -> Response:
        await authenticator.require_role(Role.OFFICER, request)
        rows = QUERIES.former_registrations(pool, id=participant_id)
        items = [msgspec.Raw(participant_json(row, cipher)) async for row in rows]
        return Response(msgspec.json.encode({"items": items}), 200, NOT_STORED, JSON)

    for route in CHANGES:
        _add_change(router, route, handler, authenticator)
    return router


def _add_change(router: APIRouter, route: str, handler: RequestHandler, authenticator: Authenticator) -> None:
    model, role = CHANGES[route]

    @router.post(
        f"/{{participant_id}}/{route}",
        operation_id=route,
        response_model=AnswerView,
        responses=CHANGE_RESPONSES,
        openapi_extra=request_body(model, required=model is not WithdrawBody) | KEY_REQUIRED | CONDITIONAL,
        summary=f"{(model.__doc__ or '').strip()}",
    )
    async def change(participant_id: UUID, request: Request) -> Response:
        received = await read_request(await authenticator.require_role(role, request), request)
        answer = await handler.change(route, model, participant_id, received)
        return Response(answer_json(answer), 200, answer_headers(answer), JSON)


def participant_response(row: Any, cipher: Cipher) -> Response:
    """Return the response that shows the participant of `row`. Raises Problem 404 if `row` is None."""
    if row is None:
        raise problem_responses.refusal_problem(Answer(Reason.UNKNOWN))
    headers = {"ETag": f'"{row["revision"]}"'} | NOT_STORED
    return Response(participant_json(row, cipher), 200, headers, JSON)
