"""The endpoints for what a registration may name: regions, campaigns, agencies."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request, Response

from registration.api import problem_responses
from registration.api.authentication import Authenticator, sent_by
from registration.api.openapi import KEYED, OPENING, problems
from registration.api.registrations import RequestHandler
from registration.api.response_models import RegionsView, ScopesView, ScopeView
from registration.auth.api_keys import Role
from registration.domain.operation import DONE
from registration.intake.scopes import KeyClaim, ScopeKind, Scopes
from registration.regions import Regions
from registration.requests.body_validator import BodyValidator
from registration.requests.request_models import ScopeBody, documented

JSON: Final = "application/json"
PATHS: Final = {ScopeKind.CAMPAIGN: "campaigns", ScopeKind.AGENCY: "agencies"}


def regions_router(regions: Regions) -> APIRouter:
    """`GET /v1/regions`."""
    router = APIRouter(tags=["vocabulary"])
    body = msgspec.json.encode({"regions": list(regions.by_code.values())})
    headers = {
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"',
        "Cache-Control": "public, max-age=3600",
    }

    @router.get("/v1/regions", response_model=RegionsView, responses={304: {"description": "Not modified"}})
    async def all_regions(request: Request) -> Response:
        """Province, cities, kecamatan and kelurahan."""
        asked = request.headers.get("if-none-match", "")
        if headers["ETag"] in [tag.strip().removeprefix("W/") for tag in asked.split(",")]:
            return Response(status_code=304, headers=headers)
        return Response(body, 200, headers, JSON)

    return router


def scopes_router(
    scopes: Scopes, desk: RequestHandler, callers: Authenticator, checker: BodyValidator
) -> APIRouter:
    """`/v1/campaigns` and `/v1/agencies`."""
    router = APIRouter(prefix="/v1", tags=["vocabulary"])
    for kind in ScopeKind:
        _add_list(router, kind, scopes)
        _add_open(router, kind, (scopes, desk), (callers, checker))
    return router


def _add_list(router: APIRouter, kind: ScopeKind, scopes: Scopes) -> None:
    @router.get(
        f"/{PATHS[kind]}", operation_id=f"list_{kind}", response_model=ScopesView, responses=problems(503)
    )
    async def listed() -> Response:
        """All that are open, by id."""
        await scopes.refresh()
        items = [{"id": scope_id, "name": name} for scope_id, name in scopes.names[kind].items()]
        return Response(msgspec.json.encode({"items": items}), 200, {"Cache-Control": "no-cache"}, JSON)


def _add_open(
    router: APIRouter,
    kind: ScopeKind,
    doing: tuple[Scopes, RequestHandler],
    checking: tuple[Authenticator, BodyValidator],
) -> None:
    scopes, desk = doing
    callers, checker = checking

    @router.post(
        f"/{PATHS[kind]}",
        operation_id=f"open_{kind}",
        status_code=201,
        response_model=ScopeView,
        responses=OPENING,
        openapi_extra=documented(ScopeBody) | KEYED,
    )
    async def open_one(request: Request) -> Response:
        """Open one. Opening it again under the same name is no error."""
        sent = await sent_by(await callers.at_least(Role.ADMIN, request), request)
        body = await checker.read(ScopeBody, sent.body)
        claim = KeyClaim(sent.caller.id, f"open-{kind}", sent.key, desk.fingerprint(sent))
        answer = await scopes.open(kind, body.id, body.name, claim)
        if answer.outcome != DONE:
            raise problem_responses.refused(answer)
        headers: dict[str, Any] = {"Idempotent-Replayed": "true"} if answer.replayed else {}
        return Response(msgspec.json.encode({"id": body.id, "name": body.name}), 201, headers, JSON)
