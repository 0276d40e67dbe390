"""Routes for messages that were given up: list, replay and discard."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from notifier.api.authentication import OfficerKey
from notifier.api.openapi import INVALID, KEY_REQUIRED, NO_KEY, NO_MESSAGE, UNAVAILABLE
from notifier.api.response_models import DeadMessagesView
from notifier.store.dead_messages import DeadMessages, Decision
from problems.openapi import problem_responses
from problems.problem import Problem

NOT_FOUND: Final = {"id": "Pesan tidak ditemukan.", "en": "There is no such message."}
NOT_GIVEN_UP: Final = {
    "id": "Pesan ini tidak berstatus dead atau unconfirmed.",
    "en": "This message is neither dead nor unconfirmed.",
}


def dead_message_routes(store: DeadMessages, officer_key: OfficerKey) -> APIRouter:
    """Return the routes. Replaying and discarding need the officers' access key."""
    router = APIRouter()

    @router.get(
        "/v1/dead",
        response_model=DeadMessagesView,
        responses=problem_responses(UNAVAILABLE),
        summary="List messages that were given up",
    )
    async def list_dead() -> JSONResponse:
        return JSONResponse({"messages": await store.list_oldest()})

    decisions = problem_responses(NO_KEY | NO_MESSAGE | INVALID | UNAVAILABLE)

    @router.post(
        "/v1/dead/{message_id}/replay",
        status_code=204,
        dependencies=[Depends(officer_key.caller)],
        responses=decisions,
        openapi_extra=KEY_REQUIRED,
        summary="Send a message again",
    )
    async def replay(message_id: uuid.UUID) -> None:
        await _decide(store.replay, message_id)

    @router.post(
        "/v1/dead/{message_id}/discard",
        status_code=204,
        dependencies=[Depends(officer_key.caller)],
        responses=decisions,
        openapi_extra=KEY_REQUIRED,
        summary="Discard a message",
    )
    async def discard(message_id: uuid.UUID) -> None:
        await _decide(store.discard, message_id)

    return router


async def _decide(command: Callable[[uuid.UUID], Awaitable[Decision]], message_id: uuid.UUID) -> None:
    """Run the command. Raises Problem 404 if no message has this id, and 409 if it was not given up."""
    decision = await command(message_id)
    if decision is Decision.UNKNOWN:
        raise Problem(404, "not-found", NOT_FOUND)
    if decision is Decision.NOT_GIVEN_UP:
        raise Problem(409, "not-given-up", NOT_GIVEN_UP)
