"""Responses to exceptions: to refusals, database failures and programming errors."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI, Request
from starlette.responses import Response

from problems.fastapi_handlers import install, internal_problem, respond
from problems.problem import Problem
from registration import metrics
from registration.api import problem_responses
from registration.intake.group_commit import OverloadReason
from registration.store.error_classification import DATABASE_ERRORS, AmbiguousCommitError, Failure, failure_of
from telemetry.logs import get

log = get()

RETRY_AFTER_S: Final = 2


def install_error_responses(app: FastAPI) -> None:
    """Install the responses in an application."""
    install(app)
    for error in DATABASE_ERRORS:
        app.add_exception_handler(error, error_response)


async def error_response(request: Request, error: Exception) -> Response:
    """Return the response to an exception of an endpoint."""
    return respond(request, problem_of(request, error))


def problem_of(request: Request, error: Exception) -> Problem:
    """Return the problem of an exception of an endpoint: 503 if the database failed and may recover."""
    if isinstance(error, Problem):
        return error
    ambiguous = isinstance(error, AmbiguousCommitError)
    if ambiguous or failure_of(error) in (Failure.UNAVAILABLE, Failure.REPEAT):
        log.warning("database failed", path=request.url.path, error=type(error).__name__)
        metrics.OVERLOADED.labels(OverloadReason.DATABASE_UNAVAILABLE.value).inc()
        return problem_responses.unavailable_problem(RETRY_AFTER_S)
    return internal_problem(request, error)
