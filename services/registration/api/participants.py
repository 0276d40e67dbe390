"""The endpoints for participants: registering, changing, finding."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Request, Response

from registration.api import problem_responses
from registration.api.authentication import Authenticator, sent_by
from registration.api.openapi import CHANGING, KEYED, PUBLIC, READING
from registration.api.registrations import RequestHandler
from registration.api.response_models import (
    AnswerView,
    ParticipantView,
    answer_headers,
    answer_json,
    participant_json,
)
from registration.auth.api_keys import Role
from registration.cipher import Cipher
from registration.domain.decide import Reason
from registration.domain.operation import DONE, Answer
from registration.requests.body_validator import BodyValidator
from registration.requests.commands import ChangeBody
from registration.requests.request_models import (
    CorrectBody,
    LookupBody,
    MergeBody,
    MoveBody,
    RegisterBody,
    StepBody,
    WithdrawBody,
    documented,
)
from registration.store.participants import QUERIES
from telemetry.logs import get

log = get()

JSON: Final = "application/json"

# route: what is sent, and who may send it
CHANGES: Final[dict[str, tuple[type[ChangeBody], Role]]] = {
    "move": (MoveBody, Role.BOOTH),
    "steps": (StepBody, Role.BOOTH),
    "correct": (CorrectBody, Role.BOOTH),
    "withdraw": (WithdrawBody, Role.BOOTH),
    "merge": (MergeBody, Role.OFFICER),
}


def participants_router(
    desk: RequestHandler,
    callers: Authenticator,
    checker: BodyValidator,
    cipher: Cipher,
    pool: asyncpg.Pool[Any],
) -> APIRouter:
    """`/v1/participants` and below."""
    router = APIRouter(prefix="/v1/participants", tags=["participants"])

    @router.post(
        "",
        status_code=201,
        response_model=AnswerView,
        responses=PUBLIC,
        openapi_extra=documented(RegisterBody),
        summary="Register a person",
    )
    async def register(request: Request) -> Response:
        answer = await desk.register(await sent_by(await callers.anybody(request), request))
        return answered(answer, 201)

    @router.post(
        "/lookup",
        response_model=ParticipantView,
        responses=READING,
        openapi_extra=documented(LookupBody) | KEYED,
        summary="Find a participant by NIK",
    )
    async def lookup(request: Request) -> Response:
        caller = await callers.at_least(Role.OFFICER, request)
        body = await checker.read(LookupBody, await request.body())
        row = await QUERIES.find_participant_by_nik(pool, nik_hmac=cipher.nik_hmac(body.nik))
        log.info("participant looked up", caller=caller.id, found=row is not None)
        return shown(row, cipher)

    @router.get(
        "/{participant_id}",
        response_model=ParticipantView,
        responses=READING,
        openapi_extra=KEYED,
        summary="Read a participant",
    )
    async def read(participant_id: UUID, request: Request) -> Response:
        await callers.at_least(Role.BOOTH, request)
        return shown(await QUERIES.find_participant(pool, id=participant_id), cipher)

    for route in CHANGES:
        _add_change(router, route, desk, callers)
    return router


def _add_change(router: APIRouter, route: str, desk: RequestHandler, callers: Authenticator) -> None:
    model, role = CHANGES[route]

    @router.post(
        f"/{{participant_id}}/{route}",
        operation_id=route,
        response_model=AnswerView,
        responses=CHANGING,
        openapi_extra=documented(model, required=model is not WithdrawBody) | KEYED,
        summary=f"{(model.__doc__ or '').strip()}",
    )
    async def change(participant_id: UUID, request: Request) -> Response:
        sent = await sent_by(await callers.at_least(role, request), request)
        return answered(await desk.change(route, model, participant_id, sent), 200)


def answered(answer: Answer, status: int) -> Response:
    """The response of an answer; raises its Problem where it is a refusal."""
    if answer.outcome != DONE:
        raise problem_responses.refused(answer)
    return Response(answer_json(answer), status, answer_headers(answer), JSON)


def shown(row: Any, cipher: Cipher) -> Response:
    """The response of a participant that was found; raises Problem 404 where none was."""
    if row is None:
        raise problem_responses.refused(Answer(Reason.UNKNOWN))
    headers = {"ETag": f'"{row["revision"]}"', "Cache-Control": "no-store"}
    return Response(participant_json(row, cipher), 200, headers, JSON)
