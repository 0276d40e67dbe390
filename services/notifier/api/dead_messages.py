"""Routes for messages that were given up: list, replay and discard."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header

from notifier.api.authentication import OfficerKey
from notifier.store.dead_messages import DeadMessages, Decision
from problems.problem import Problem

NOT_FOUND: Final = {"id": "Pesan tidak ditemukan.", "en": "There is no such message."}
NOT_GIVEN_UP: Final = {
    "id": "Pesan ini tidak berstatus dead atau unconfirmed.",
    "en": "This message is neither dead nor unconfirmed.",
}


def dead_message_routes(store: DeadMessages, officer_key: OfficerKey) -> APIRouter:
    """Return the routes. Replaying and discarding need the officers' access key."""
    router = APIRouter()

    @router.get("/v1/dead")
    async def list_dead() -> dict[str, Any]:
        return {"messages": await store.list_oldest()}

    @router.post("/v1/dead/{message_id}/replay", status_code=204)
    async def replay(message_id: uuid.UUID, authorization: Annotated[str | None, Header()] = None) -> None:
        officer_key.authenticate(authorization)
        await _decide(store.replay, message_id)

    @router.post("/v1/dead/{message_id}/discard", status_code=204)
    async def discard(message_id: uuid.UUID, authorization: Annotated[str | None, Header()] = None) -> None:
        officer_key.authenticate(authorization)
        await _decide(store.discard, message_id)

    return router


async def _decide(command: Callable[[uuid.UUID], Awaitable[Decision]], message_id: uuid.UUID) -> None:
    """Run the command. Raises Problem 404 if no message has this id, and 409 if it was not given up."""
    decision = await command(message_id)
    if decision is Decision.UNKNOWN:
        raise Problem(404, "not-found", NOT_FOUND)
    if decision is Decision.NOT_GIVEN_UP:
        raise Problem(409, "not-given-up", NOT_GIVEN_UP)
