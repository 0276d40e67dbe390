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
# FastAPI's own telemetry records bodies and the values of invalid fields: personal data.
NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False}
# Import uploads are streamed and have a limit of their own.
IMPORTS_PREFIX: Final = "/v1/imports"


def application(routers: Iterable[APIRouter], body_bytes_max: int) -> FastAPI:
    """Build the application; bodies are limited to `body_bytes_max`, except uploads of imports."""
    app = FastAPI(
        title="Jakpreneur registration", version="1", docs_url=None, redoc_url=None, telemetry=NO_TELEMETRY
    )
    install(app)
    # Endpoints that only read do not translate database errors themselves.
    for error in DATABASE_ERRORS:
        app.add_exception_handler(error, _database_failed)
    for router in routers:
        # Not `include_router`: it nests one application per router, which slows down every request.
        app.router.routes.extend(router.routes)
    app.add_middleware(BodyLimit, bytes_max=body_bytes_max, except_prefixes=[IMPORTS_PREFIX])
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI documents this way to extend it
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
