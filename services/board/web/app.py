"""The board's FastAPI app: counts, stream, pace and milestones under /v1, the page and static files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, FastAPI, Header, Query, Response
from fastapi.staticfiles import StaticFiles

from board.app_state import AppState
from board.json_bodies import (
    chart_body,
    encode,
    growth_body,
    milestones_body,
)
from board.metrics import REFUSED
from board.stream.sse_events import parse_id
from board.stream.sse_response import StreamResponse
from board.web.counts_responses import CountsQuery, CountsResponses
from board.web.cross_origin import CrossOriginReads
from board.web.page import PageRenderer
from board.web.query_params import (
    Level,
    ParentQuery,
    RegionQuery,
    ScopeQuery,
    require_ready,
    require_region,
    require_scope,
    too_many_viewers,
)
from problems.fastapi_handlers import install
from telemetry.health import Health
from telemetry.health_endpoints import health_routes

STATIC: Final = Path(__file__).with_name("static")
MINUTES_MAX: Final = 2880
CACHE_1_S: Final = "public, max-age=1, must-revalidate"
PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def make_app(app_state: AppState, health: Health) -> FastAPI:
    """Return the app with all routes."""
    app = FastAPI(title="Jakpreneur board", version="1", docs_url=None, redoc_url=None)
    install(app)
    app.add_middleware(CrossOriginReads)
    app.include_router(health_routes(health))
    app.include_router(_count_routes(app_state))
    app.include_router(_stream_routes(app_state))
    app.include_router(_page_routes(app_state))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _count_routes(app_state: AppState) -> APIRouter:
    router = APIRouter(prefix="/v1")
    responses = CountsResponses(app_state, CACHE_1_S)

    @router.get("/counts")
    async def counts(
        scope: ScopeQuery = "all",
        level: Level | None = None,
        parent: ParentQuery = None,
        down_to: Level = "subdistrict",
        if_none_match: Annotated[list[str] | None, Header()] = None,
    ) -> Response:
        require_ready(app_state.board_state)
        require_scope(app_state.board_state, scope)
        require_region(app_state.board_state.regions, parent, "parent")
        return responses.respond(CountsQuery(scope, level, parent, down_to), if_none_match or [])

    @router.get("/pace")
    async def pace(
        scope: ScopeQuery = "all",
        region: RegionQuery = "31",
        minutes: Annotated[int, Query(ge=1, le=MINUTES_MAX)] = 180,
    ) -> Response:
        require_ready(app_state.board_state)
        require_scope(app_state.board_state, scope)
        require_region(app_state.board_state.regions, region, "region")
        figures = app_state.growth.figures(scope, region)
        chart = app_state.growth.chart(scope, region, minutes)
        body = (
            {"cut": app_state.board_state.cuts.id} | growth_body(figures) | chart_body(scope, region, chart)
        )
        return _json(body, {"Cache-Control": CACHE_1_S})

    @router.get("/milestones")
    async def milestones(
        scope: ScopeQuery | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> Response:
        newest = app_state.milestones.newest(scope, limit)
        body = milestones_body(app_state.board_state.regions, newest)
        return _json(body, {"Cache-Control": CACHE_1_S})

    return router


def _stream_routes(app_state: AppState) -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.get("/stream")
    async def stream(
        scope: ScopeQuery = "all",
        down_to: Level = "subdistrict",
        after: str | None = None,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        if scope != "all":
            require_ready(app_state.board_state)
            require_scope(app_state.board_state, scope)
        if app_state.subscriptions.full:
            REFUSED.inc()
            raise too_many_viewers()
        last_version = parse_id(last_event_id) or parse_id(after)
        return StreamResponse(app_state.subscriptions, app_state.broadcaster, (scope, down_to), last_version)

    return router


def _page_routes(app_state: AppState) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    renderer = PageRenderer(_static_version())

    @router.get("/")
    async def page(scope: ScopeQuery = "all", lang: str = "id") -> Response:
        if app_state.board_state.ready:
            require_scope(app_state.board_state, scope)
        return Response(renderer.render(app_state, scope, lang), media_type="text/html", headers=PAGE_HEADERS)

    return router


def _json(body: object, headers: dict[str, str]) -> Response:
    return Response(encode(body), media_type="application/json", headers=headers)


def _static_version() -> str:
    """Return a short hash of the static files, for their URLs.

    A release that changes a file thus also changes its URL, so that browsers do not use a cached old file.
    """
    files = sorted(path for path in STATIC.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:10]
