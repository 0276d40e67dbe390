"""The api process: serves the API, commits operations, imports uploads, deletes old idempotency keys."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import asyncpg
import uuid_utils.compat
from fastapi import APIRouter
from starlette.types import ASGIApp

from database.pool import ask_server, connect
from lifecycle import gc_tuning
from lifecycle.clock_skew import ClockSkew
from lifecycle.http_server import serve
from lifecycle.loops import run_forever
from lifecycle.run_until_stop import run_with
from lifecycle.startable_app import StartableApp
from lifecycle.stop_signal import StopSignal, run
from lifecycle.task_group import run_group
from registration.api.app import application
from registration.api.authentication import Authenticator
from registration.api.campaigns_and_agencies import scopes_router
from registration.api.imports import imports_router
from registration.api.operation_submission import RequestHandler
from registration.api.participants import participants_router
from registration.api.public_form.pages import FormPages
from registration.api.public_form.result_links import ResultLinks
from registration.api.public_form.router import form_router
from registration.api.public_limits import PublicLimits
from registration.api.regions import regions_router
from registration.api.registration_endpoint import RegistrationEndpoint, registrations_first
from registration.api.venue_codes import venue_codes_router
from registration.auth.api_keys import ApiKeys, key_finder
from registration.auth.venue_codes import VenueCodes
from registration.cipher import Cipher
from registration.imports.queue import ImportQueue
from registration.imports.settings import ImportSettings
from registration.imports.upload import UploadLimits
from registration.imports.validation_process import open_validation_process, validation_config
from registration.intake.campaigns_and_agencies import Scopes
from registration.intake.group_commit import GroupCommit, QueueLimits
from registration.intake.retention import delete_expired
from registration.intake.transaction import IntakeTransaction
from registration.regions import Regions, read_regions
from registration.requests.body_validator import BodyValidator
from registration.settings import ApiSettings, RegisterSettings, SecretSettings
from registration.store.secret_check import check_secret
from registration.store.token_buckets import TokenBuckets
from settings.contract_files import contract_path
from settings.loader import load
from telemetry.failpoints import arm
from telemetry.health import Health
from telemetry.health_endpoints import health_routes
from telemetry.logs import configure, get

log = get()

POOL_SIZE_MAX: Final = 8
CLEAN_EVERY_S: Final = 5.0
READ_VENUE_CODES_EVERY_S: Final = 5.0
BATCH_S_MAX: Final = 60.0


class Components:
    """The parts of the api process. Each part is built from the parts that are assigned before it.

    The group commit connects through `commit_pool`, all other parts through `pool`. Reads and authentication
    therefore never take the connection that the group commit needs.
    """

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        commit_pool: asyncpg.Pool[Any],
        secrets: SecretSettings,
        settings: ApiSettings,
    ) -> None:
        self.pool: Final = pool
        self.regions: Final[Regions] = read_regions(contract_path("regions.csv"))
        self.cipher: Final = Cipher(secrets.secret)
        self.scopes: Final = Scopes(pool)
        self.venues: Final = VenueCodes(pool, lambda: datetime.now(UTC))
        self.form_url: Final = settings.form_url
        self.authenticator: Final = Authenticator(ApiKeys(key_finder(pool), time.monotonic))
        self.validator: Final = BodyValidator(
            self.regions, secrets.consent_ids, self.scopes, lambda: datetime.now(UTC)
        )
        self.transaction: Final = IntakeTransaction(commit_pool, uuid_utils.compat.uuid7)
        self.group_commit: Final = GroupCommit(self.transaction.write, _queue_limits(settings))
        self.handler: Final = RequestHandler(
            self.group_commit.submit,
            self.validator,
            self.cipher,
            _public_limits(settings, pool, self.cipher),
            uuid_utils.compat.uuid7,
        )
        self.registrations: Final = RegistrationEndpoint(
            self.handler, self.authenticator, settings.body_bytes_max
        )
        self.form_pages: Final = FormPages(self.regions, secrets.current_consent)

    def routers(self) -> list[APIRouter]:
        """Return all routers except the routers of the imports and of the health checks."""
        return [
            participants_router(self.handler, self.authenticator, self.validator, self.cipher, self.pool),
            scopes_router(self.scopes, self.handler, self.authenticator, self.validator),
            regions_router(self.regions),
            venue_codes_router(self.venues, self.authenticator, self.validator, self.pool, self.form_url),
            form_router(self.form_pages, self.handler, ResultLinks(self.cipher), self.regions, self.venues),
        ]


def main() -> None:
    """Load the settings and run the api until SIGTERM or SIGINT."""
    register, secrets, settings, imports = load(RegisterSettings, SecretSettings, ApiSettings, ImportSettings)
    configure("registration-api", register.log_level)
    arm(register.crash_at)
    run(partial(run_api, register, secrets, settings, imports), settings.stop_announced_s)


async def run_api(
    register: RegisterSettings,
    secrets: SecretSettings,
    settings: ApiSettings,
    import_settings: ImportSettings,
    stopping: StopSignal,
) -> None:
    """Serve until the stop. Requests accepted before the stop are still committed and answered.

    While PostgreSQL is away, requests are answered 503, also before the first connection.
    """
    health = Health(waits_for=("postgresql",))
    health.check("not stopping", lambda: not stopping.is_announced())
    app, closed = StartableApp(health), StopSignal()
    await run_group(
        stopping,
        health.watch_dependencies(),
        server=_serve(app, register.host, settings, closed, stopping),
        drain=run_with(
            _open_pools(register),
            partial(_commit, secrets, settings, import_settings, (app, health, closed), stopping),
            stopping,
        ),
    )


async def _commit(
    secrets: SecretSettings,
    settings: ApiSettings,
    import_settings: ImportSettings,
    served: tuple[StartableApp, Health, StopSignal],
    stopping: StopSignal,
    pools: tuple[asyncpg.Pool[Any], asyncpg.Pool[Any]],
) -> None:
    app, health, closed = served
    pool, commit_pool = pools
    try:
        components = Components(pool, commit_pool, secrets, settings)
        await check_secret(pool, components.cipher.key_id)
        await components.scopes.refresh()
        health.dependency("postgresql", partial(ask_server, pool))
        health.dependency("commits", components.group_commit.ask_whether_it_commits)
        progress = health.progress("writer", seconds_max=BATCH_S_MAX)
        imports = ImportQueue(
            pool,
            UploadLimits(import_settings.import_spool_dir, import_settings.import_bytes_max),
            components.cipher,
            lambda: open_validation_process(validation_config(secrets)),
            import_settings.import_rows_max,
            components.regions,
        )
        more = [imports_router(imports, components.authenticator)]
        app.start(build_app(components, settings, health, more))
        gc_tuning.freeze_startup_objects()
        await run_group(
            stopping,
            _delete_expired(pool, settings, stopping),
            _read_venue_codes(components.venues, stopping),
            imports.run(stopping),
            ClockSkew(pool, health).run(stopping),
            _stop_committing(components.group_commit, closed),
            drain=components.group_commit.run(progress.beat),
        )
    finally:
        pool.terminate()
        commit_pool.terminate()


def build_app(
    components: Components, settings: ApiSettings, health: Health, more_routers: Sequence[APIRouter]
) -> ASGIApp:
    """Build the application with the components' routers and `more_routers`."""
    routers = [*components.routers(), *more_routers, health_routes(health)]
    app = application(components.registrations, routers, settings.body_bytes_max)
    return registrations_first(app, components.registrations)


async def _open_pools(register: RegisterSettings) -> tuple[asyncpg.Pool[Any], asyncpg.Pool[Any]]:
    api = partial(connect, register.database, service="registration", wait_s=math.inf)
    pool = await api(application_name="registration api", max_size=POOL_SIZE_MAX)
    return pool, await api(application_name="registration writer", max_size=1)


async def _serve(
    app: StartableApp, host: str, settings: ApiSettings, closed: StopSignal, stopping: StopSignal
) -> None:
    """Serve until the stop. At the end, set `closed`: no further request arrives."""
    try:
        log.info("api serving", host=host, port=settings.port)
        await serve(app, host, settings.port, stopping, **_proxy_options(settings))
    finally:
        closed.set()


async def _stop_committing(group_commit: GroupCommit, closed: StopSignal) -> None:
    await closed.wait()
    group_commit.stop()


async def _delete_expired(pool: asyncpg.Pool[Any], settings: ApiSettings, stopping: StopSignal) -> None:
    keys_kept = timedelta(hours=settings.idempotency_kept_h)
    rejections_kept = timedelta(days=settings.import_rejections_kept_d)
    cells_kept = timedelta(days=settings.import_cells_kept_d)

    async def delete_and_pause() -> None:
        if not await delete_expired(pool, keys_kept, rejections_kept, cells_kept):
            await stopping.wait(CLEAN_EVERY_S)

    # A failed clean-up must never stop the intake.
    await run_forever(delete_and_pause, stopping, name="retention", failing_s_max=float("inf"))


async def _read_venue_codes(venues: VenueCodes, stopping: StopSignal) -> None:
    # Without the database, the codes stay as last read.
    await run_forever(
        venues.refresh,
        stopping,
        name="venue codes",
        pause_s=READ_VENUE_CODES_EVERY_S,
        failing_s_max=float("inf"),
    )


def _queue_limits(settings: ApiSettings) -> QueueLimits:
    return QueueLimits(
        queue_length_max=settings.queue_length_max,
        batch_rows_max=settings.batch_rows_max,
        waited_s_max=settings.waited_s_max,
        ambiguous_s_max=settings.ambiguous_s_max,
    )


def _public_limits(settings: ApiSettings, pool: asyncpg.Pool[Any], cipher: Cipher) -> PublicLimits:
    def limit(name: str, burst: int, period_s: float) -> TokenBuckets:
        return TokenBuckets(pool, name, burst / period_s, burst)

    return PublicLimits(
        per_address=limit("address", settings.public_per_address_per_minute, 60),
        per_venue=limit("venue", settings.public_per_venue_per_minute, 60),
        per_nik=limit("nik", settings.public_per_nik_per_hour, 3600),
        mistakes=limit("mistakes", settings.public_mistakes_per_minute, 60),
        fingerprint=partial(cipher.body_hmac, b"limit"),
    )


def _proxy_options(settings: ApiSettings) -> dict[str, Any]:
    """Return the options that tell uvicorn which proxies to trust.

    By default no proxy is trusted, so that clients cannot spoof their address.
    """
    proxies = settings.trusted_proxies
    return {"proxy_headers": bool(proxies), "forwarded_allow_ips": proxies or None}
