"""The routes of the public form."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from registration.api.error_responses import problem_of
from registration.api.operation_submission import IDEMPOTENCY_KEY, ReceivedRequest, RequestHandler
from registration.api.public_form import result_links
from registration.api.public_form.form_fields import form_fields, registration_body
from registration.api.public_form.pages import HEADERS, PATH, TEMPLATES, FormPages
from registration.api.public_form.result_links import ResultLinks
from registration.auth.callers import PUBLIC
from registration.auth.venue_codes import VenueCodes
from registration.domain.cloud_event import valid_traceparent
from registration.regions import Regions

NO_FIELDS: Final[Mapping[str, str]] = defaultdict(str)
KEY_LENGTH_MAX: Final = 100
"""The key of an operation is the form's key and a fingerprint, and may have 200 characters."""


def form_router(
    pages: FormPages, handler: RequestHandler, links: ResultLinks, regions: Regions, venues: VenueCodes
) -> APIRouter:
    """Create the router of the form, of its result page, and of the files that both use."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    async def empty_form() -> Response:
        return pages.form(NO_FIELDS, None)

    @router.get("/daftar/lokasi/{code}")
    async def empty_form_of_a_venue(code: str) -> Response:
        return pages.form(defaultdict(str, venue=code), venues.valid(code))

    @router.post(PATH)
    async def submit_form(request: Request) -> Response:
        fields = form_fields(await request.body())
        venue = venues.valid(fields["venue"])
        code = venue.code if venue else None
        try:
            answer = await handler.register(_registration(request, fields, regions, handler), code)
        except Exception as error:  # a person at the form gets a page, never JSON
            return pages.form(fields, venue, problem_of(request, error))
        assert answer.participant_id is not None, "an answer that is `done` names the participant"
        # The result has an address of its own: to load it again registers nobody, and Back leads to the form.
        return RedirectResponse(links.link(answer.participant_id, code), 303, HEADERS)

    @router.get(result_links.PATH)
    async def result(nomor: str = "", tanda: str = "", lokasi: str = "") -> Response:
        participant_id = links.participant(nomor, tanda)
        if participant_id is None:
            return RedirectResponse(PATH, 303, HEADERS)
        return pages.result(participant_id, venues.valid(lokasi))

    _add_file(router, "/daftar/gaya.css", TEMPLATES / "form.css", "text/css")
    _add_file(router, "/daftar/kembali.js", TEMPLATES / "form.js", "text/javascript")
    return router


def _add_file(router: APIRouter, path: str, file: Path, media_type: str) -> None:
    content = file.read_bytes()
    headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}

    @router.get(path)
    async def send_file() -> Response:
        return Response(content, 200, headers, media_type)


def _registration(
    request: Request, fields: Mapping[str, str], regions: Regions, handler: RequestHandler
) -> ReceivedRequest:
    """Return the form as a request to register.

    Its idempotency key contains a fingerprint of the fields. So a form that is submitted again is a repeat
    only if no field has changed: on a shared device, Back may show the form of the person before.
    """
    form_key = fields["key"]
    if len(form_key) > KEY_LENGTH_MAX or not IDEMPOTENCY_KEY.fullmatch(form_key):
        form_key = str(uuid.uuid4())
    received = ReceivedRequest(
        caller=PUBLIC,
        address=request.client.host if request.client is not None else "",
        key=form_key,
        body=msgspec.json.encode(registration_body(fields, regions)),
        path=PATH,
        traceparent=valid_traceparent(request.headers.get("traceparent")),
    )
    key = f"{form_key}.{handler.fingerprint(received).hex()}"
    return msgspec.structs.replace(received, key=key)
