"""The HTTP endpoints `/health/live`, `/health/ready` and `/metrics`, for health probes and monitoring."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, disable_created_metrics, generate_latest

from telemetry.health import Health

# Nothing reads the time at which each counter and histogram began, and they are a fifth of all series.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the package declares no type for it


def health_routes(health: Health) -> APIRouter:
    """Return the three endpoints.

    `/health/live` responds with 503 if the process is not alive, `/health/ready` if it is not ready.
    `/health/ready` also names the dependencies that the process cannot reach.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> JSONResponse:
        stalled = health.stalled_loops()
        return JSONResponse({"alive": not stalled, "standing_still": stalled}, 503 if stalled else 200)

    @router.get("/health/ready")
    async def ready() -> JSONResponse:
        missing = await health.failed_checks() + health.stalled_loops()
        body = {
            "ready": not missing,
            "missing": missing,
            "degraded": health.degraded,
            "details": health.details,
        }
        return JSONResponse(body, 503 if missing else 200)

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def plain_app(health: Health) -> FastAPI:
    """Return the application of a process that serves only health and metrics."""
    app = FastAPI(openapi_url=None)
    app.include_router(health_routes(health))
    return app
