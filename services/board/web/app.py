"""The board's FastAPI app: counts, stream, pace and milestones under /v1, the page and static files."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response
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
from board.web.problem_pages import problem_routes
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
from board.web.response_models import COUNTS_HEADERS, IF_NONE_MATCH, CountsView, MilestonesView, PaceView
from board.web.stream_refusal import refused_stream
from problems.fastapi_handlers import install
from problems.openapi import describe_problems, problem_responses
from problems.problem import Problem
from telemetry.health import Health
from telemetry.health_endpoints import health_routes

STATIC: Final = Path(__file__).with_name("static")
MINUTES_MAX: Final = 2880
INVALID: Final = "A parameter is not valid"
PROBLEMS: Final = problem_responses(
    {
        404: "The scope or the region is not known",
        422: INVALID,
        503: "The board cannot answer yet, or has too many viewers",
    }
)
COUNTS_RESPONSES: Final = PROBLEMS | {
    200: {"headers": COUNTS_HEADERS},
    304: {"description": "The counts have the tag of If-None-Match", "headers": COUNTS_HEADERS},
}
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
    describe_problems(app)
    app.add_middleware(CrossOriginReads)
    app.include_router(health_routes(health))
    app.include_router(_count_routes(app_state))
    app.include_router(_stream_routes(app_state))
    app.include_router(_page_routes(app_state))
    app.include_router(problem_routes(PAGE_HEADERS))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _count_routes(app_state: AppState) -> APIRouter:
    router = APIRouter(prefix="/v1")
    responses = CountsResponses(app_state, CACHE_1_S)

    @router.get(
        "/counts",
        response_model=CountsView,
        responses=COUNTS_RESPONSES,
        openapi_extra=IF_NONE_MATCH,
        summary="Read counts",
    )
    async def counts(
        scope: ScopeQuery = "all",
        level: Level | None = None,
        parent: ParentQuery = None,
        down_to: Level = "subdistrict",
        if_none_match: Annotated[list[str] | None, Header(include_in_schema=False)] = None,
    ) -> Response:
        require_ready(app_state.board_state)
        require_scope(app_state.board_state, scope)
        require_region(app_state.board_state.regions, parent, "parent")
        return responses.respond(CountsQuery(scope, level, parent, down_to), if_none_match or [])

    @router.get("/pace", response_model=PaceView, responses=PROBLEMS, summary="Read the growth per minute")
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

    @router.get(
        "/milestones",
        response_model=MilestonesView,
        responses=problem_responses({422: INVALID}),
        summary="List milestones",
    )
    async def milestones(
        scope: ScopeQuery | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> Response:
        newest = app_state.milestones.newest(scope, limit)
        body = milestones_body(app_state.board_state.regions, newest)
        return _json(body, {"Cache-Control": CACHE_1_S})

    return router


def _stream_routes(app_state: AppState) -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.get(
        "/stream",
        status_code=200,
        response_class=StreamResponse,
        responses=PROBLEMS,
        summary="Follow counts and milestones",
    )
    async def stream(
        request: Request,
        scope: ScopeQuery = "all",
        down_to: Level = "subdistrict",
        after: str | None = None,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Server-sent events until the client disconnects.

        The data of an event are JSON: CountsView (`snapshot`, `delta`), CountsView without `rows` (`state`,
        `reset`), the chart of PaceView (`pace`), MilestoneView (`milestone`), MilestonesView (`milestones`),
        or an empty object (`ping`). If the board has no place, a client that accepts text/event-stream gets
        ProblemView (`problem`) and the end of the stream; then it repeats the request, as EventSource does.
        """
        try:
            _require_place(app_state, scope)
        except Problem as problem:
            if problem.status != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            return refused_stream(request, problem)
        last_version = parse_id(last_event_id) or parse_id(after)
        return StreamResponse(app_state.subscriptions, app_state.broadcaster, (scope, down_to), last_version)

    return router


def _require_place(app_state: AppState, scope: str) -> None:
    """Raise Problem 404 if the scope is unknown, and 503 if the board cannot serve a stream of it now."""
    if scope != "all":
        require_ready(app_state.board_state)
        require_scope(app_state.board_state, scope)
    if app_state.subscriptions.full:
        REFUSED.inc()
        raise too_many_viewers()


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
