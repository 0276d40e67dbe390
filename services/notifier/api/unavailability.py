"""Answers 503 with Retry-After while the database cannot be reached."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from database.errors import CONFLICT_ERRORS, UNAVAILABLE_ERRORS
from problems.fastapi_handlers import respond
from problems.problem import Problem
from telemetry.logs import get

log = get()

RETRY_AFTER_S: Final = 2
UNAVAILABLE: Final = {
    "id": "Sistem sedang sibuk. Silakan coba lagi.",
    "en": "The system is busy. Please try again.",
}


def install_unavailability(app: FastAPI) -> None:
    """Install the answer in an application, which has the other exception handlers already."""
    for error in (*CONFLICT_ERRORS, *UNAVAILABLE_ERRORS):
        app.add_exception_handler(error, _unavailable)


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    log.warning("database failed", error=type(error).__name__)
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return respond(request, Problem(503, "unavailable", UNAVAILABLE, headers=headers))
