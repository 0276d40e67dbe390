"""Builds the FastAPI application: routers, error handlers, the body limit and the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.openapi.models import Operation
from fastapi.openapi.utils import get_openapi
from fastapi.telemetry import TelemetryConfig

from problems.body_limit import BodyLimit
from registration.api import registration_endpoint
from registration.api.error_responses import install_error_responses
from registration.api.openapi import components
from registration.api.registration_endpoint import RegistrationEndpoint

# FastAPI's own telemetry exports bodies and the values of invalid fields, which are personal data.
NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False}
# Uploads of imports are streamed and have their own size limit.
IMPORTS_PATH: Final = "/v1/imports"


def application(
    registrations: RegistrationEndpoint, routers: Iterable[APIRouter], body_bytes_max: int
) -> FastAPI:
    """Build the application. Bodies, except uploads of imports, may have `body_bytes_max` bytes at most."""
    app = FastAPI(
        title="Jakpreneur registration", version="1", docs_url=None, redoc_url=None, telemetry=NO_TELEMETRY
    )
    install_error_responses(app)
    app.router.routes.append(registrations.route())
    for router in routers:
        # `include_router` would nest one application per router and slow down every request.
        app.router.routes.extend(router.routes)
    app.add_middleware(BodyLimit, bytes_max=body_bytes_max, unlimited_path=IMPORTS_PATH)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI documents this assignment
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        # FastAPI describes only its own routes.
        registration = Operation.model_validate(registration_endpoint.OPERATION)
        schema["paths"][registration_endpoint.PATH] = {
            "post": jsonable_encoder(registration, by_alias=True, exclude_none=True)
        }
        for section, named in components().items():
            schema["components"].setdefault(section, {}).update(named)
        app.openapi_schema = schema
    return app.openapi_schema
