"""The public registration form at `/daftar`: a page in Indonesian that works without JavaScript."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl

import jinja2
import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from problems.problem import Problem
from registration.api.operation_submission import RequestHandler, idempotency_key, read_request
from registration.auth.callers import PUBLIC
from registration.regions import Regions
from registration.requests.body_validator import BodyValidator
from registration.requests.request_models import RegisterBody

LABELS: Final = {
    "name": "Nama lengkap",
    "nik": "NIK",
    "phone": "Nomor telepon",
    "region": "Kelurahan tempat usaha",
    "business_name": "Nama usaha",
    "category": "Bidang usaha",
    "consent": "Saya setuju data saya dipakai seperti di atas",
}
CATEGORIES: Final = {
    "kuliner": "Kuliner",
    "fesyen": "Fesyen",
    "kerajinan": "Kerajinan",
    "jasa": "Jasa",
    "lainnya": "Lainnya",
}
# By JSON pointer: the form's names of those fields that have another name in the JSON body.
FIELDS: Final = {"/business/name": "business_name", "/business/category": "category"}
FIELDS_MAX: Final = 50
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class FormPage:
    """Renders the form and the confirmation from one template."""

    def __init__(self, regions: Regions, consent: str) -> None:
        folder = files("registration.api") / "templates"
        self.style: Final = (folder / "daftar.css").read_text(encoding="utf-8")
        environment = jinja2.Environment(
            autoescape=True, undefined=jinja2.ChainableUndefined, trim_blocks=True
        )
        self._template = environment.from_string((folder / "daftar.html").read_text(encoding="utf-8"))
        self._constants: Final[Mapping[str, Any]] = {
            "labels": LABELS,
            "categories": CATEGORIES,
            "consent": consent,
            "kelurahan_by_district": [
                (f"{district.name} ({city.name})", regions.children(district.code))
                for city in regions.children("31")
                for district in regions.children(city.code)
            ],
        }

    def render_form(self, fields: Mapping[str, str], problem: Problem | None = None) -> HTMLResponse:
        """Render the form with these field values; each error of `problem` is shown beside its field."""
        # After a 503 the form keeps its idempotency key, so that submitting it again cannot register twice.
        key = fields["key"] if problem is not None and problem.status == 503 else str(uuid.uuid4())
        errors = _errors(problem) if problem is not None else {}
        title = problem.title["id"] if problem is not None else None
        text = self._template.render(self._constants, fields=fields, key=key, problem=title, errors=errors)
        status = problem.status if problem is not None else 200
        return HTMLResponse(text, status, HEADERS | (problem.headers if problem is not None else {}))

    def render_accepted(self, participant_id: object) -> HTMLResponse:
        """Render the confirmation of a registration."""
        return HTMLResponse(self._template.render(self._constants, accepted=participant_id), 201, HEADERS)


def form_router(page: FormPage, handler: RequestHandler, validator: BodyValidator) -> APIRouter:
    """Create the router of `GET /daftar`, its style sheet, and `POST /daftar`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/daftar")
    async def empty_form() -> Response:
        return page.render_form({})

    @router.get("/daftar/gaya.css")
    async def style_sheet() -> Response:
        return Response(page.style, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})

    @router.post("/daftar")
    async def submit_form(request: Request) -> Response:
        received = await read_request(PUBLIC, request)
        fields = form_fields(received.body)
        try:
            await handler.rate_limit_address(received.address)
            body = await validator.validate(RegisterBody, msgspec.json.encode(registration_body(fields)))
            key = idempotency_key(fields["key"] or None)
            answer = await handler.register_validated(body, msgspec.structs.replace(received, key=key))
        except Problem as problem:
            return page.render_form(fields, problem)
        return page.render_accepted(answer.participant_id)

    return router


def form_fields(body: bytes) -> Mapping[str, str]:
    """Parse a body of type `application/x-www-form-urlencoded`; a missing field has an empty value."""
    try:
        fields = parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        fields = []
    return defaultdict(str, fields)


def registration_body(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the form's fields as the JSON body of a registration, without the empty fields."""
    body: dict[str, Any] = {
        name: fields[name].strip()
        for name in ("name", "nik", "phone", "region", "consent")
        if fields[name].strip()
    }
    if fields["business_name"].strip() or fields["category"]:
        body["business"] = {"name": fields["business_name"], "category": fields["category"]}
    return body


def _errors(problem: Problem) -> dict[str, str]:
    return {
        FIELDS.get(error.pointer, error.pointer.removeprefix("/")): error.text["id"]
        for error in problem.errors
    }
