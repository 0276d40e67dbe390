"""Health and metrics over HTTP, and a server that ends with its process."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import uvicorn
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from lifecycle.shutdown import StopSignal
from telemetry.health import Health

GRACE_S: Final = 5


def health_routes(health: Health) -> APIRouter:
    """`/health/live`, `/health/ready` and `/metrics`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> JSONResponse:
        still = health.standing_still()
        return JSONResponse({"alive": not still, "standing_still": still}, 503 if still else 200)

    @router.get("/health/ready")
    async def ready() -> JSONResponse:
        missing = await health.missing() + health.standing_still()
        return JSONResponse({"ready": not missing, "missing": missing}, 503 if missing else 200)

    @router.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def plain_app(health: Health) -> FastAPI:
    """The application of a process that has no interface but health and metrics."""
    app = FastAPI(openapi_url=None)
    app.include_router(health_routes(health))
    return app


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process it runs in."""

    def capture_signals(self) -> Any:
        import contextlib

        return contextlib.nullcontext()


async def serve(app: Any, host: str, port: int, stopping: StopSignal, **options: Any) -> None:
    """Serve an ASGI application until the stop, then let open requests finish for a few seconds.

    Raises SystemExit(3) with a clear message where the port is taken.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_S,
        **{"server_header": False, "date_header": True, "ws": "none", "lifespan": "on", **options},
    )
    server = _Server(config)
    task = asyncio.ensure_future(server.serve())
    stop = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await task
    finally:
        stop.cancel()
    if not stopping.is_set() and not server.started:
        raise SystemExit(f"{host}:{port} cannot be served: is the port taken?")
