"""Builds the FastAPI application: routers, error handlers, the body limit and the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.telemetry import TelemetryConfig
from starlette.responses import Response

from problems.fastapi_handlers import install, respond
from registration.api import problem_responses
from registration.api.body_limit import BodyLimit
from registration.api.openapi import SECURITY_SCHEMES
from registration.store.error_classification import DATABASE_ERRORS, AmbiguousCommitError, Failure, failure_of
from telemetry.logs import get

log = get()

RETRY_AFTER_S: Final = 2
# FastAPI's own telemetry exports bodies and the values of invalid fields, which are personal data.
NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False}
# Uploads of imports are streamed and have their own size limit.
IMPORTS_PREFIX: Final = "/v1/imports"


def application(routers: Iterable[APIRouter], body_bytes_max: int) -> FastAPI:
    """Build the application. Bodies, except uploads of imports, may have `body_bytes_max` bytes at most."""
    app = FastAPI(
        title="Jakpreneur registration", version="1", docs_url=None, redoc_url=None, telemetry=NO_TELEMETRY
    )
    install(app)
    # Endpoints that only read do not translate database errors into problems, so this handler does.
    for error in DATABASE_ERRORS:
        app.add_exception_handler(error, _database_failed)
    for router in routers:
        # `include_router` would nest one application per router and slow down every request.
        app.router.routes.extend(router.routes)
    app.add_middleware(BodyLimit, bytes_max=body_bytes_max, except_prefixes=[IMPORTS_PREFIX])
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI documents this assignment
    return app


async def _database_failed(request: Request, error: Exception) -> Response:
    ambiguous = isinstance(error, AmbiguousCommitError)
    if not ambiguous and failure_of(error) not in (Failure.UNAVAILABLE, Failure.REPEAT):
        raise error
    log.warning("database failed", path=request.url.path, error=type(error).__name__)
    return respond(request, problem_responses.unavailable_problem(RETRY_AFTER_S))


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schema.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
        app.openapi_schema = schema
    return app.openapi_schema
