"""The endpoints `/v1/campaigns` and `/v1/agencies`, which list and open campaigns and agencies."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from registration.api import problem_responses
from registration.api.authentication import Authenticator
from registration.api.openapi import (
    IDEMPOTENT,
    JSON,
    KEY_REQUIRED,
    OPEN_SCOPE_RESPONSES,
    error_responses,
    request_body,
)
from registration.api.operation_submission import RequestHandler, read_request
from registration.api.response_models import ScopesView, ScopeView
from registration.auth.callers import Role
from registration.domain.idempotent_operation import DONE
from registration.intake.campaigns_and_agencies import KeyClaim, ScopeKind, Scopes
from registration.requests.body_validator import BodyValidator
from registration.requests.request_models import ScopeBody

PATHS: Final = {ScopeKind.CAMPAIGN: "campaigns", ScopeKind.AGENCY: "agencies"}


def scopes_router(
    scopes: Scopes, handler: RequestHandler, authenticator: Authenticator, validator: BodyValidator
) -> APIRouter:
    """Create the router. Campaigns and agencies have the same endpoints."""
    router = APIRouter(prefix="/v1", tags=["vocabulary"])
    for kind in ScopeKind:
        _add_list(router, kind, scopes)
        _add_open(router, kind, scopes, (handler, authenticator, validator))
    return router


def _add_list(router: APIRouter, kind: ScopeKind, scopes: Scopes) -> None:
    @router.get(
        f"/{PATHS[kind]}",
        operation_id=f"list_{kind}",
        response_model=ScopesView,
        responses=error_responses(503),
    )
    async def listed() -> Response:
        """All open campaigns or all open agencies, sorted by id."""
        await scopes.refresh()
        items = [{"id": scope_id, "name": name} for scope_id, name in scopes.names[kind].items()]
        return Response(msgspec.json.encode({"items": items}), 200, {"Cache-Control": "no-cache"}, JSON)


def _add_open(
    router: APIRouter,
    kind: ScopeKind,
    scopes: Scopes,
    request_parts: tuple[RequestHandler, Authenticator, BodyValidator],
) -> None:
    handler, authenticator, validator = request_parts

    @router.post(
        f"/{PATHS[kind]}",
        operation_id=f"open_{kind}",
        status_code=201,
        response_model=ScopeView,
        responses=OPEN_SCOPE_RESPONSES,
        openapi_extra=request_body(ScopeBody) | KEY_REQUIRED | IDEMPOTENT,
    )
    async def open_one(request: Request) -> Response:
        """Open a campaign or an agency. If it is open under the same name already, nothing changes."""
        received = await read_request(await authenticator.require_role(Role.ADMIN, request), request)
        body = await validator.validate(ScopeBody, received.body)
        claim = KeyClaim(received.caller.id, f"open-{kind}", received.key, handler.fingerprint(received))
        answer = await scopes.open(kind, body.id, body.name, claim)
        if answer.outcome != DONE:
            raise problem_responses.refusal_problem(answer)
        headers: dict[str, Any] = {"Idempotent-Replayed": "true"} if answer.replayed else {}
        return Response(msgspec.json.encode({"id": body.id, "name": body.name}), 201, headers, JSON)
