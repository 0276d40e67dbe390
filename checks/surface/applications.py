"""Builds each service's HTTP application without a database or broker, to be described and never called.

This is the only module of the package that imports modules of the services: change it when they move.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI

NOTHING: Any = None
"""Stands for a dependency that an application uses only to answer requests."""
SECRET = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def _registration() -> FastAPI:
    from registration.api import application
    from registration.api_process import Parts
    from registration.importing.endpoints import imports_router
    from registration.settings import ApiSettings, SecretSettings
    from telemetry.health import Health
    from telemetry.http import health_routes

    own = ApiSettings()
    secrets = SecretSettings.model_validate({"secret_key": SECRET})
    parts = Parts(NOTHING, NOTHING, secrets, own)
    more = [imports_router(NOTHING, parts.callers), health_routes(Health())]
    return application([*parts.routers(), *more], own.body_bytes_max)


def _notifier() -> FastAPI:
    from notifier.access import Links
    from notifier.api import make_app
    from telemetry.health import Health

    return make_app(NOTHING, NOTHING, Links(SECRET), NOTHING, Health())


def _board() -> FastAPI:
    from board.api import make_app
    from board.audience import Audience
    from board.board import Board
    from board.delivery import Delivery
    from board.milestones import Milestones
    from board.pace import Minutes
    from board.regions import load_regions
    from board.showing import Showing
    from settings.contract import contract_path
    from telemetry.health import Health

    showing, milestones = Showing(load_regions(contract_path("regions.csv")), {}), Milestones()
    audience = Audience(showing, milestones, time.monotonic, 1)
    delivery = Delivery(audience, time.monotonic)
    return make_app(
        Board(showing, audience, delivery, milestones, Minutes(), time.monotonic, lambda: datetime.now(UTC)),
        Health(),
    )


APPLICATIONS: dict[str, Callable[[], FastAPI]] = {
    "registration": _registration,
    "notifier": _notifier,
    "board": _board,
}
"""By service; the aggregator serves health and metrics alone."""
