"""The endpoints under `/v1/venue-codes`: create, list and revoke codes of venues, and get their QR codes."""

from __future__ import annotations

from typing import Annotated, Any, Final

import asyncpg
import msgspec
from fastapi import APIRouter, Path, Request, Response

from problems.problem import Problem
from registration.api import problem_responses
from registration.api.authentication import Authenticator
from registration.api.openapi import JSON, KEY_REQUIRED, READ_RESPONSES, error_responses, request_body
from registration.api.response_models import VenueCodesView, VenueCodeView
from registration.auth.callers import Role
from registration.auth.venue_codes import (
    VenueCode,
    VenueCodes,
    create_venue_code,
    revoke_venue_code,
    usable_venue_codes,
)
from registration.domain.cloud_event import utc_text
from registration.qr_code import qr_svg
from registration.requests.body_validator import BodyValidator
from registration.requests.field_error_messages import BilingualText
from registration.requests.request_models import VenueCodeBody
from telemetry.logs import get

log = get()

SVG: Final = "image/svg+xml"
UNKNOWN: Final = BilingualText("Kode lokasi ini tidak berlaku.", "This venue code is not valid.")

Code = Annotated[str, Path(pattern=r"^[0-9a-z]{1,64}$", description="From the answer to its creation.")]


def venue_codes_router(
    venues: VenueCodes,
    authenticator: Authenticator,
    validator: BodyValidator,
    pool: asyncpg.Pool[Any],
    public_url: str,
) -> APIRouter:
    """Create the router. Every endpoint requires the API key of an officer or an admin."""
    router = APIRouter(prefix="/v1/venue-codes", tags=["venue codes"])

    @router.post(
        "",
        status_code=201,
        response_model=VenueCodeView,
        responses=error_responses(400, 401, 403, 413, 422, 503),
        openapi_extra=request_body(VenueCodeBody) | KEY_REQUIRED,
        summary="Create the code of a venue",
    )
    async def create(request: Request) -> Response:
        caller = await authenticator.require_role(Role.OFFICER, request)
        body = await validator.validate(VenueCodeBody, await request.body())
        valid_from = body.valid_from or validator.vocabulary().now
        created = await create_venue_code(pool, body.venue, valid_from, body.valid_h, caller.id)
        await venues.refresh()
        log.info("venue code created", caller=caller.id, valid_h=body.valid_h)
        return Response(msgspec.json.encode(_json(created, public_url)), 201, {}, JSON)

    @router.get(
        "",
        response_model=VenueCodesView,
        responses=error_responses(401, 403, 503),
        openapi_extra=KEY_REQUIRED,
        summary="List the codes that are valid now or later",
    )
    async def listed(request: Request) -> Response:
        await authenticator.require_role(Role.OFFICER, request)
        items = [_json(code, public_url) for code in await usable_venue_codes(pool)]
        return Response(msgspec.json.encode({"items": items}), 200, {"Cache-Control": "no-cache"}, JSON)

    _add_qr(router, authenticator, pool, public_url)
    _add_revoke(router, authenticator, venues, pool)
    return router


def _add_qr(
    router: APIRouter, authenticator: Authenticator, pool: asyncpg.Pool[Any], public_url: str
) -> None:
    @router.get(
        "/{code}/qr.svg",
        response_class=Response,
        responses=READ_RESPONSES | {200: {"content": {SVG: {}}}},
        openapi_extra=KEY_REQUIRED,
        summary="Get the QR code of a venue's link",
    )
    async def qr(code: Code, request: Request) -> Response:
        await authenticator.require_role(Role.OFFICER, request)
        known = {usable.code: usable for usable in await usable_venue_codes(pool)}
        if code not in known:
            raise _unknown()
        return Response(qr_svg(public_url + known[code].path), 200, {"Cache-Control": "no-cache"}, SVG)


def _add_revoke(
    router: APIRouter, authenticator: Authenticator, venues: VenueCodes, pool: asyncpg.Pool[Any]
) -> None:
    @router.post(
        "/{code}/revoke",
        status_code=204,
        responses=READ_RESPONSES,
        openapi_extra=KEY_REQUIRED,
        summary="Revoke a code; the API processes refuse it within seconds",
    )
    async def revoke(code: Code, request: Request) -> Response:
        caller = await authenticator.require_role(Role.OFFICER, request)
        if not await revoke_venue_code(pool, code):
            raise _unknown()
        await venues.refresh()
        log.info("venue code revoked", caller=caller.id)
        return Response(status_code=204)


def _unknown() -> Problem:
    return problem_responses.problem(404, "venue-code-not-found", UNKNOWN)


def _json(code: VenueCode, public_url: str) -> dict[str, str]:
    return {
        "code": code.code,
        "venue": code.venue,
        "valid_from": utc_text(code.valid_from),
        "valid_until": utc_text(code.valid_until),
        "link": public_url + code.path,
    }
