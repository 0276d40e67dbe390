"""The notifier's FastAPI app: alerts with their receipts, acknowledgements and silences."""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from notifier.api.acknowledgement_page import AcknowledgementPages
from notifier.api.authentication import AcknowledgementLinks, KeyBeforeBody, OfficerKey
from notifier.api.dead_messages import dead_message_routes
from notifier.api.openapi import (
    IDEMPOTENCY_KEY_LENGTH_MAX,
    IDEMPOTENCY_KEY_REQUIRED,
    INVALID,
    KEY_REQUIRED,
    NO_ALERT,
    NO_KEY,
    NOT_JSON,
    UNAVAILABLE,
    describe,
)
from notifier.api.response_models import AlertsView, AlertView, SilencesView, SilenceView, StateName
from notifier.api.unavailability import install_unavailability
from notifier.domain.alerts import NAMESPACE
from notifier.store.alerts import AlertFilter, AlertStore, NewSilence, utc_text
from notifier.store.dead_messages import DeadMessages
from problems.body_limit import BodyLimit
from problems.fastapi_handlers import install
from problems.openapi import problem_responses
from problems.problem import FieldError, Problem, invalid, language_of
from telemetry.health import Health
from telemetry.health_endpoints import health_routes

ALERTS_PER_PAGE_MAX: Final = 200
ALERT_NUMBER_MAX: Final = 2**63 - 1
"""The largest bigint."""
SILENCE_DAYS_MAX: Final = 30
BODY_BYTES_MAX: Final = 16_384
NOT_FOUND: Final = {"id": "Peringatan tidak ditemukan.", "en": "There is no such alert."}
NO_LINK: Final = {"id": "Tautan ini tidak berlaku.", "en": "This link is not valid."}
KEY_REUSED: Final = {
    "id": "Idempotency-Key ini sudah dipakai untuk permintaan lain.",
    "en": "This Idempotency-Key was used for another request.",
}
KEY_MISSING: Final = {"id": "Idempotency-Key diperlukan.", "en": "An Idempotency-Key is required."}
PAGE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x1f\x7f]")

IdempotencyKey = Annotated[str | None, Header(max_length=IDEMPOTENCY_KEY_LENGTH_MAX, include_in_schema=False)]
Code = Annotated[str, Field(pattern=r"^\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?$")]
RecipientId = Annotated[str, Field(pattern=r"^(official|webhook):[a-z0-9][a-z0-9-]{0,59}$")]
RuleId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
ScopeName = Annotated[str, Field(pattern=r"^(all|(campaign|agency):[A-Za-z0-9][A-Za-z0-9._-]{0,63})$")]


class SilenceRequest(BaseModel):
    """A silence to create: which alerts it holds back, until when and why.

    If `recipient`, `region` or `rule` is omitted, the silence matches all values of that field.
    """

    model_config = ConfigDict(extra="forbid")

    recipient: RecipientId | None = None
    region: Code | None = None
    rule: RuleId | None = None
    until: AwareDatetime
    reason: str = Field(min_length=1, max_length=200)

    @field_validator("until")
    @classmethod
    def _check_range(cls, value: datetime) -> datetime:
        now = datetime.now(UTC)
        if not now < value <= now + timedelta(days=SILENCE_DAYS_MAX):
            raise invalid(
                "until_range",
                id=f"Harus di masa depan, paling lama {SILENCE_DAYS_MAX} hari.",
                en=f"This must be in the future, at most {SILENCE_DAYS_MAX} days ahead.",
            )
        return value

    @field_validator("reason")
    @classmethod
    def _check_printable(cls, value: str) -> str:
        if CONTROL_CHARACTERS.search(value) or not value.strip():
            raise invalid(
                "control_characters", id="Berisi karakter kendali.", en="This has control characters."
            )
        return value.strip()


def make_app(
    store: AlertStore,
    dead_messages: DeadMessages,
    officer_key: OfficerKey,
    links: AcknowledgementLinks | None,
    pages: AcknowledgementPages,
    health: Health,
) -> FastAPI:  # one parameter per group of routes
    """Return the app with all routes. If `links` is None, the app has no acknowledgement page."""
    app = FastAPI(title="Jakpreneur notifier", version="1", docs_url=None, redoc_url=None)
    install(app)
    install_unavailability(app)
    describe(app)
    app.include_router(health_routes(health))
    app.include_router(_alert_routes(store, officer_key))
    app.include_router(_silence_routes(store, officer_key))
    app.include_router(dead_message_routes(dead_messages, officer_key))
    if links is not None:
        app.include_router(_acknowledgement_routes(store, links, pages))
    app.add_middleware(BodyLimit, bytes_max=BODY_BYTES_MAX)
    app.add_middleware(KeyBeforeBody, officer_key=officer_key)
    return app


def _alert_routes(store: AlertStore, officer_key: OfficerKey) -> APIRouter:
    router = APIRouter()

    @router.get(
        "/v1/alerts",
        response_model=AlertsView,
        responses=problem_responses(INVALID | UNAVAILABLE),
        summary="List alerts",
    )
    async def list_alerts(
        recipient: Annotated[RecipientId | None, Query()] = None,
        region: Annotated[Code | None, Query()] = None,
        rule: Annotated[RuleId | None, Query()] = None,
        scope: Annotated[ScopeName | None, Query()] = None,
        state: StateName | None = None,
        before: Annotated[int | None, Query(ge=1, le=ALERT_NUMBER_MAX)] = None,
        limit: Annotated[int, Query(ge=1, le=ALERTS_PER_PAGE_MAX)] = 50,
    ) -> JSONResponse:  # one parameter per filter of the API
        alerts, next_before = await store.list_page(
            AlertFilter(recipient, region, rule, scope, state), before, limit
        )
        return JSONResponse({"alerts": alerts, "next": next_before})

    @router.get(
        "/v1/alerts/{alert_id}",
        response_model=AlertView,
        responses=problem_responses(NO_ALERT | INVALID | UNAVAILABLE),
        summary="Read an alert",
    )
    async def one_alert(alert_id: uuid.UUID) -> JSONResponse:
        return JSONResponse(await _get_or_404(store, alert_id))

    @router.post(
        "/v1/alerts/{alert_id}/ack",
        response_model=AlertView,
        responses=problem_responses(NO_KEY | NO_ALERT | INVALID | UNAVAILABLE),
        openapi_extra=KEY_REQUIRED,
        summary="Acknowledge an alert",
    )
    async def acknowledge(alert_id: uuid.UUID, caller: str = Depends(officer_key.caller)) -> JSONResponse:
        is_first = await store.acknowledge(alert_id, caller)
        replayed = {"Idempotent-Replayed": "true"} if is_first is False else {}
        return JSONResponse(await _get_or_404(store, alert_id), headers=replayed)

    return router


async def _get_or_404(store: AlertStore, alert_id: uuid.UUID) -> dict[str, Any]:
    alert = await store.get(alert_id)
    if alert is None:
        raise Problem(404, "not-found", NOT_FOUND)
    return alert


def _silence_routes(store: AlertStore, officer_key: OfficerKey) -> APIRouter:
    router = APIRouter()

    @router.get(
        "/v1/silences",
        response_model=SilencesView,
        responses=problem_responses(UNAVAILABLE),
        summary="List silences",
    )
    async def list_silences() -> JSONResponse:
        return JSONResponse({"silences": [_silence_body(row) for row in await store.active_silences()]})

    @router.post(
        "/v1/silences",
        status_code=201,
        response_model=SilenceView,
        responses=problem_responses(NOT_JSON | NO_KEY | INVALID | UNAVAILABLE),
        openapi_extra=KEY_REQUIRED | IDEMPOTENCY_KEY_REQUIRED,
        summary="Hold alerts back for a time",
    )
    async def put_silence(
        request: SilenceRequest,
        caller: str = Depends(officer_key.caller),
        idempotency_key: IdempotencyKey = None,
    ) -> JSONResponse:
        if not idempotency_key:
            raise Problem(
                422, "invalid", KEY_MISSING, errors=[FieldError("/Idempotency-Key", "missing", KEY_MISSING)]
            )
        silence = NewSilence(
            id=uuid.uuid5(NAMESPACE, f"silence {caller} {idempotency_key}"),
            body_hash=hashlib.sha256(request.model_dump_json().encode()).hexdigest(),
            **request.model_dump(),
        )
        stored, is_new = await store.put_silence(silence)
        if stored["body_hash"] != silence.body_hash:
            raise Problem(422, "idempotency-key-reused", KEY_REUSED)
        replayed = {} if is_new else {"Idempotent-Replayed": "true"}
        return JSONResponse(_silence_body(stored), 201, replayed)

    return router


def _silence_body(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "recipient": row["recipient"],
        "region": row["region"],
        "rule": row["rule"],
        "until": utc_text(row["until"]),
        "reason": row["reason"],
        "created_at": utc_text(row["created_at"]),
    }


def _acknowledgement_routes(
    store: AlertStore, links: AcknowledgementLinks, pages: AcknowledgementPages
) -> APIRouter:
    """Routes of the acknowledgement page. GET changes nothing, because mail scanners open every link."""
    router = APIRouter(include_in_schema=False)

    @router.get("/ack/{token}")
    async def show(token: str, request: Request) -> HTMLResponse:
        return await page(token, request)

    @router.post("/ack/{token}")
    async def acknowledge(token: str, request: Request) -> HTMLResponse:
        message_id = links.message_id(token)
        if message_id is not None:
            await store.acknowledge_message(message_id, "link")
        return await page(token, request)

    async def page(token: str, request: Request) -> HTMLResponse:
        message_id = links.message_id(token)
        alerts = [] if message_id is None else await store.alerts_of_message(message_id)
        if not alerts:
            raise Problem(404, "not-found", NO_LINK)
        language = language_of(request.headers.get("accept-language"))
        return HTMLResponse(
            pages.render(alerts, language),
            headers={
                "Content-Security-Policy": PAGE_POLICY,
                "Referrer-Policy": "no-referrer",
                "Cache-Control": "no-store",
                "X-Robots-Tag": "noindex",
            },
        )

    return router
