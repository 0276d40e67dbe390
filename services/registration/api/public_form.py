"""The registration form of the public, in Indonesian, working without any script."""

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
from registration.api import problem_responses
from registration.api.authentication import idempotency_key, sent_by
from registration.api.registrations import RequestHandler
from registration.auth.api_keys import PUBLIC
from registration.domain.operation import DONE
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
# Where the pointers of a body lie in the form.
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
    """Draws the form."""

    def __init__(self, regions: Regions, consent: str) -> None:
        folder = files("registration.api") / "templates"
        self.style: Final = (folder / "daftar.css").read_text(encoding="utf-8")
        environment = jinja2.Environment(
            autoescape=True, undefined=jinja2.ChainableUndefined, trim_blocks=True
        )
        self._template = environment.from_string((folder / "daftar.html").read_text(encoding="utf-8"))
        self._fixed: Final[Mapping[str, Any]] = {
            "labels": LABELS,
            "categories": CATEGORIES,
            "consent": consent,
            "places": [
                (f"{district.name} ({city.name})", regions.children(district.code))
                for city in regions.children("31")
                for district in regions.children(city.code)
            ],
        }

    def form(self, given: Mapping[str, str], problem: Problem | None = None) -> HTMLResponse:
        """The form with what was given; a problem's sentences stand beside their fields."""
        # After an overload the same key goes along again, so that the repeat cannot count twice.
        key = given["key"] if problem is not None and problem.status == 503 else str(uuid.uuid4())
        errors = _errors(problem) if problem is not None else {}
        title = problem.title["id"] if problem is not None else None
        text = self._template.render(self._fixed, given=given, key=key, problem=title, errors=errors)
        status = problem.status if problem is not None else 200
        return HTMLResponse(text, status, HEADERS | (problem.headers if problem is not None else {}))

    def accepted(self, participant_id: object) -> HTMLResponse:
        """The page that says it worked."""
        return HTMLResponse(self._template.render(self._fixed, accepted=participant_id), 201, HEADERS)


def daftar_router(page: FormPage, desk: RequestHandler, checker: BodyValidator) -> APIRouter:
    """`GET` and `POST /daftar`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/daftar")
    async def empty() -> Response:
        return page.form({})

    @router.get("/daftar/gaya.css")
    async def style() -> Response:
        return Response(page.style, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})

    @router.post("/daftar")
    async def filled(request: Request) -> Response:
        sent = await sent_by(PUBLIC, request)
        given = given_in(sent.body)
        try:
            desk.limit_address(sent.address)
            body = await checker.read(RegisterBody, msgspec.json.encode(body_of(given)))
            key = idempotency_key(given["key"] or None)
            answer = await desk.take(body, msgspec.structs.replace(sent, key=key))
            if answer.outcome != DONE:
                raise problem_responses.refused(answer)
        except Problem as problem:
            return page.form(given, problem)
        return page.accepted(answer.participant_id)

    return router


def given_in(body: bytes) -> Mapping[str, str]:
    """The fields of a form (`application/x-www-form-urlencoded`); one that did not come is empty."""
    try:
        fields = parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        fields = []
    return defaultdict(str, fields)


def body_of(given: Mapping[str, str]) -> dict[str, Any]:
    """The body that a filled form stands for: what was left empty is not given."""
    body: dict[str, Any] = {
        field: given[field].strip()
        for field in ("name", "nik", "phone", "region", "consent")
        if given[field].strip()
    }
    if given["business_name"].strip() or given["category"]:
        body["business"] = {"name": given["business_name"], "category": given["category"]}
    return body


def _errors(problem: Problem) -> dict[str, str]:
    return {
        FIELDS.get(error.pointer, error.pointer.removeprefix("/")): error.text["id"]
        for error in problem.errors
    }
