"""Exception handlers of a FastAPI application; each responds with problem details."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

from problems.problem import MEDIA_TYPE, FieldError, Problem, language_of, pointer
from problems.validation_messages import message_for
from telemetry.logs import get

log = get()

INVALID: Final = {"id": "Isian belum benar.", "en": "Some fields are not valid."}
NOT_JSON: Final = {"id": "Isi permintaan bukan JSON.", "en": "The body is not JSON."}
INTERNAL: Final = {
    "id": "Terjadi gangguan di pihak kami. Silakan coba lagi.",
    "en": "Something went wrong on our side. Please try again.",
}
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
TITLES: Final = {
    401: {"id": "Kunci akses diperlukan.", "en": "An access key is required."},
    403: {"id": "Kunci ini tidak berhak.", "en": "This key may not do that."},
    404: {"id": "Tidak ditemukan.", "en": "Not found."},
    405: {"id": "Cara ini tidak diizinkan.", "en": "This method is not allowed."},
}


def install(app: FastAPI) -> None:
    """Install the exception handlers in an application.

    For an unexpected exception, the log gets only its type, and the client gets status 500 without details.
    """
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, internal_error)


def respond(request: Request, problem: Problem) -> JSONResponse:
    """Return the response for a problem, in the language that the request accepts."""
    language = language_of(request.headers.get("accept-language"))
    headers = {"Content-Language": language, **problem.headers}
    return JSONResponse(problem.body(language), problem.status, headers, media_type=MEDIA_TYPE)


def validation_problem(errors: Iterable[Mapping[str, Any]]) -> Problem:
    """Return the problem for pydantic errors: status 422, or 400 if the body is not JSON."""
    listed = list(errors)
    if any(error["type"] == "json_invalid" for error in listed):
        return Problem(400, "not-json", NOT_JSON)
    fields = [
        FieldError(pointer(tuple(error["loc"])), str(error["type"]), message_for(error)) for error in listed
    ]
    return Problem(422, "invalid", INVALID, errors=fields)


async def _problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return respond(request, error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return respond(request, validation_problem(error.errors()))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    title = TITLES.get(error.status_code, {"id": phrase, "en": phrase})
    slug = phrase.lower().replace(" ", "-")
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed_methods(request))
    return respond(request, Problem(error.status_code, slug, title, headers=headers))


def _allowed_methods(request: Request) -> list[str]:
    """Return the methods of all routes of the path, and HEAD, which every service answers, beside GET.

    The exception names only the methods of the first of these routes.
    """
    routes = request.app.routes
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    allowed = [m for m in METHODS if any(route.matches(scopes[m])[0] is Match.FULL for route in routes)]
    return [*allowed, "HEAD"] if "GET" in allowed else allowed


async def internal_error(request: Request, error: Exception) -> JSONResponse:
    """Log an unexpected exception and return a response with status 500."""
    return respond(request, internal_problem(request, error))


def internal_problem(request: Request, error: Exception) -> Problem:
    """Log an unexpected exception and return the problem 500."""
    log.error("request failed", path=request.url.path, error=type(error).__name__)
    return Problem(500, "internal", INTERNAL)
