"""Builds each service's HTTP application without a database or broker, only to read its OpenAPI document.

This is the only module of the package that imports modules of the services. Change it when those modules
move.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI

NOTHING: Any = None
"""Stands for a dependency that an application needs only when it answers requests."""
SECRET = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def _registration() -> FastAPI:
    from registration.api.app import application
    from registration.api.imports import imports_router
    from registration.processes.api import Components
    from registration.settings import ApiSettings, SecretSettings
    from telemetry.health import Health
    from telemetry.health_endpoints import health_routes

    settings = ApiSettings()
    secrets = SecretSettings.model_validate({"secret_key": SECRET})
    components = Components(NOTHING, NOTHING, secrets, settings)
    more = [imports_router(NOTHING, components.authenticator), health_routes(Health())]
    routers = [*components.routers(), *more]
    return application(components.registrations, routers, settings.body_bytes_max)


def _notifier() -> FastAPI:
    from notifier.api.app import make_app
    from notifier.api.authentication import AcknowledgementLinks, OfficerKey
    from telemetry.health import Health

    return make_app(NOTHING, NOTHING, OfficerKey(None), AcknowledgementLinks(SECRET), NOTHING, Health())


def _board() -> FastAPI:
    from board.app_state import make_app_state
    from board.regions import load_regions
    from board.state.counts import BoardState
    from board.web.app import make_app
    from settings.contract_files import contract_path
    from telemetry.health import Health

    board_state = BoardState(load_regions(contract_path("regions.csv")), {})
    return make_app(make_app_state(board_state, time.monotonic, lambda: datetime.now(UTC), 1), Health())


APPLICATIONS: dict[str, Callable[[], FastAPI]] = {
    "registration": _registration,
    "notifier": _notifier,
    "board": _board,
}
"""A builder by service, without the aggregator, which serves only health checks and metrics."""
