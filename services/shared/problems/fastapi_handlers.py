"""Answers every refusal of a FastAPI application with problem details."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from problems.messages import sentence
from problems.problem import MEDIA_TYPE, FieldError, Problem, language_of, pointer
from telemetry.logs import get

log = get()

INVALID: Final = {"id": "Isian belum benar.", "en": "Some fields are not valid."}
NOT_JSON: Final = {"id": "Isi permintaan bukan JSON.", "en": "The body is not JSON."}
FAILED: Final = {
    "id": "Terjadi gangguan di pihak kami. Silakan coba lagi.",
    "en": "Something went wrong on our side. Please try again.",
}
TITLES: Final = {
    401: {"id": "Kunci akses diperlukan.", "en": "An access key is required."},
    403: {"id": "Kunci ini tidak berhak.", "en": "This key may not do that."},
    404: {"id": "Tidak ditemukan.", "en": "Not found."},
    405: {"id": "Cara ini tidak diizinkan.", "en": "This method is not allowed."},
}


def install(app: FastAPI) -> None:
    """Install the handlers; unknown errors are logged by type and answered without detail."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, failed)


def respond(request: Request, problem: Problem) -> JSONResponse:
    """The response of a problem, in the language the request asks for."""
    language = language_of(request.headers.get("accept-language"))
    headers = {"Content-Language": language, **problem.headers}
    return JSONResponse(problem.body(language), problem.status, headers, media_type=MEDIA_TYPE)


def from_faults(faults: Iterable[Mapping[str, Any]]) -> Problem:
    """The 422 of a list of pydantic faults; 400 where the body is no JSON at all."""
    listed = list(faults)
    if any(fault["type"] == "json_invalid" for fault in listed):
        return Problem(400, "not-json", NOT_JSON)
    errors = [
        FieldError(pointer(tuple(fault["loc"])), str(fault["type"]), sentence(fault)) for fault in listed
    ]
    return Problem(422, "invalid", INVALID, errors=errors)


async def _problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return respond(request, error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return respond(request, from_faults(error.errors()))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    title = TITLES.get(error.status_code, {"id": phrase, "en": phrase})
    slug = phrase.lower().replace(" ", "-")
    return respond(request, Problem(error.status_code, slug, title, headers=dict(error.headers or {})))


async def failed(request: Request, error: Exception) -> JSONResponse:
    """The response of an error that nobody foresaw."""
    log.error("request failed", path=request.url.path, error=type(error).__name__)
    return respond(request, Problem(500, "internal", FAILED))
