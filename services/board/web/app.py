"""The board over HTTP: counts, stream, pace and milestones as JSON; the page; static files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response
from fastapi.staticfiles import StaticFiles

from board.app_state import AppState
from board.metrics import REFUSED
from board.state.registration_rate import next_threshold, reached_at
from board.stream.sse_events import parse_id
from board.stream.sse_response import StreamResponse
from board.web.page import PageRenderer
from board.web.query_params import (
    Level,
    ParentQuery,
    RegionQuery,
    ScopeQuery,
    known_region,
    known_scope,
    ready,
    too_many_viewers,
)
from board.web.response_bodies import counts_body, crossing_body, encode
from problems.fastapi_handlers import install
from telemetry.health import Health
from telemetry.health_endpoints import health_routes

STATIC: Final = Path(__file__).with_name("static")
MINUTES_MAX: Final = 2880
FRESH: Final = "public, max-age=1, must-revalidate"
PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def make_app(board: AppState, health: Health) -> FastAPI:
    """The application over one board."""
    app = FastAPI(title="Jakpreneur board", version="1", docs_url=None, redoc_url=None)
    install(app)
    app.include_router(health_routes(health))
    app.include_router(_numbers(board))
    app.include_router(_stream(board))
    app.include_router(_page(board))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _numbers(board: AppState) -> APIRouter:
    router = APIRouter(prefix="/v1")
    run = token_hex(4)

    @router.get("/counts")
    async def counts(
        request: Request, scope: ScopeQuery = "all", level: Level | None = None, parent: ParentQuery = None
    ) -> Response:
        ready(board.showing)
        known_scope(board.showing, scope)
        known_region(board.showing.regions, parent, "parent")
        audience = board.audience
        tag = f'"{audience.head.cut}-{board.showing.serial}-{audience.heads}-{run}"'
        headers = {"ETag": tag, "Cache-Control": FRESH}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        rows = board.showing.listed(scope, level, parent)
        return _json(counts_body(board.showing, scope, audience.head, rows), headers)

    @router.get("/pace")
    async def pace(
        scope: ScopeQuery = "all",
        region: RegionQuery = "31",
        minutes: Annotated[int, Query(ge=1, le=MINUTES_MAX)] = 180,
    ) -> Response:
        ready(board.showing)
        known_scope(board.showing, scope)
        known_region(board.showing.regions, region, "region")
        return _json(pace_body(board, scope, region, minutes), {"Cache-Control": FRESH})

    @router.get("/milestones")
    async def milestones(
        scope: ScopeQuery | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> Response:
        listed = [
            crossing_body(board.showing.regions, crossing)
            for crossing in board.milestones.newest(scope, limit)
        ]
        return _json({"milestones": listed}, {"Cache-Control": FRESH})

    return router


def _stream(board: AppState) -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.get("/stream")
    async def stream(
        scope: ScopeQuery = "all",
        down_to: Level = "subdistrict",
        after: str | None = None,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        if scope != "all":
            ready(board.showing)
            known_scope(board.showing, scope)
        if board.audience.full:
            REFUSED.inc()
            raise too_many_viewers()
        last = parse_id(last_event_id) or parse_id(after)
        return StreamResponse(board.audience, board.delivery, (scope, down_to), last)

    return router


def _page(board: AppState) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    pages = PageRenderer(_static_version())

    @router.get("/")
    async def page(scope: ScopeQuery = "all", lang: str = "id") -> Response:
        if board.showing.ready:
            known_scope(board.showing, scope)
        return Response(pages.render(board, scope, lang), media_type="text/html", headers=PAGE_HEADERS)

    return router


def pace_body(board: AppState, scope: str, region: str, minutes: int) -> dict[str, Any]:
    """The answer of /v1/pace."""
    now = board.now()
    value = board.showing.count(scope, region)
    threshold = next_threshold(value, board.showing.target(scope, region))
    at = reached_at(value, threshold, board.minutes.per_minute(scope, region, now), now)
    return {
        "scope": scope,
        "region": region,
        "minutes": board.minutes.series(scope, region, now, minutes),
        "today": board.minutes.today(scope, region, now),
        "threshold": threshold,
        "eta": at and {"threshold": threshold, "at": at.replace(microsecond=0)},
    }


def _json(body: object, headers: dict[str, str]) -> Response:
    return Response(encode(body), media_type="application/json", headers=headers)


def _static_version() -> str:
    """A short hash over the static files: a new release is a new address for caches."""
    files = sorted(path for path in STATIC.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:10]
