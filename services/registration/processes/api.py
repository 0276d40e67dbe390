"""The api process: its parts, put together and run until the stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import uuid_utils.compat
from fastapi import APIRouter

from database.pool import connect
from lifecycle import gc_tuning
from lifecycle.http_server import serve
from lifecycle.loops import run_forever
from lifecycle.shutdown import StopSignal
from lifecycle.task_group import run_group
from registration.api.app import application
from registration.api.authentication import Authenticator
from registration.api.fast_path import FastPath
from registration.api.imports import imports_router
from registration.api.participants import participants_router
from registration.api.public_form import FormPage, daftar_router
from registration.api.rate_limit import TokenBuckets
from registration.api.registrations import PublicLimits, RequestHandler
from registration.api.scopes import regions_router, scopes_router
from registration.auth import key_store
from registration.auth.api_keys import ApiKeys
from registration.cipher import Cipher
from registration.imports.queue import ImportQueue
from registration.imports.settings import ImportSettings
from registration.imports.spool import UploadSpool
from registration.imports.validation_process import open_validation_process, validation_config
from registration.intake.group_commit import GroupCommit, QueueLimits
from registration.intake.idempotency_cleanup import delete_old_keys
from registration.intake.scopes import Scopes
from registration.intake.transaction import IntakeTransaction
from registration.regions import Regions, read_regions
from registration.requests.body_validator import BodyValidator
from registration.settings import ApiSettings, RegisterSettings, SecretSettings
from settings.contract_files import contract_path
from telemetry.health import Health
from telemetry.health_endpoints import health_routes
from telemetry.logs import get

log = get()

POOL_SIZE_MAX: Final = 8
BUCKETS_MAX: Final = 100_000
CLEAN_EVERY_S: Final = 5.0
BATCH_STANDS_S_MAX: Final = 60.0


class Components:
    """The api process's parts, each made from those above it.

    The writer has a pool of its own: however many ask and read, they take no connection from it.
    """

    def __init__(
        self, pool: asyncpg.Pool[Any], writing: asyncpg.Pool[Any], secrets: SecretSettings, own: ApiSettings
    ) -> None:
        self.pool: Final = pool
        self.regions: Final[Regions] = read_regions(contract_path("regions.csv"))
        self.cipher: Final = Cipher(secrets.secret)
        self.scopes: Final = Scopes(pool)
        self.callers: Final = Authenticator(ApiKeys(key_store.finding(pool), time.monotonic))
        self.checker: Final = BodyValidator(
            self.regions, secrets.consent_ids, self.scopes, lambda: datetime.now(UTC)
        )
        self.intake: Final = IntakeTransaction(writing, uuid_utils.compat.uuid7)
        self.writer: Final = GroupCommit(self.intake.write, _limits(own))
        self.desk: Final = RequestHandler(
            self.writer.submit, self.checker, self.cipher, _public(own), uuid_utils.compat.uuid7
        )
        self.page: Final = FormPage(self.regions, secrets.current_consent)

    def routers(self) -> list[APIRouter]:
        """What the API serves, imports and health apart."""
        return [
            participants_router(self.desk, self.callers, self.checker, self.cipher, self.pool),
            scopes_router(self.scopes, self.desk, self.callers, self.checker),
            regions_router(self.regions),
            daftar_router(self.page, self.desk, self.checker),
        ]


async def serve_api(
    settings: tuple[RegisterSettings, SecretSettings, ApiSettings, ImportSettings], stopping: StopSignal
) -> None:
    """Serve until the stop; what was taken by then is still written and answered."""
    register, secrets, own, imports_own = settings
    pool = await connect(register.database, application_name="registration api", max_size=POOL_SIZE_MAX)
    writing = await connect(register.database, application_name="registration writer", max_size=1)
    try:
        parts = Components(pool, writing, secrets, own)
        await key_store.check_secret(pool, parts.cipher.key_id)
        await parts.scopes.refresh()
        health = Health()
        health.check("postgres", lambda: key_store.answers(pool))
        progress = health.progress("writer", seconds_max=BATCH_STANDS_S_MAX)
        imports = ImportQueue(
            pool,
            UploadSpool(imports_own.import_spool_dir, imports_own.import_bytes_max),
            parts.cipher,
            lambda: open_validation_process(validation_config(secrets)),
            imports_own.import_rows_max,
        )
        app = build(parts, own, health, [imports_router(imports, parts.callers)])
        gc_tuning.freeze_startup_objects()
        await run_group(
            parts.writer.run(progress.beat),
            _serve(app, register.host, own, parts.writer, stopping),
            _clean(parts, own, stopping),
            _import(imports, stopping),
        )
    finally:
        pool.terminate()
        writing.terminate()


def build(parts: Components, own: ApiSettings, health: Health, more: Sequence[APIRouter]) -> FastPath:
    """The application, with routers that are made elsewhere, behind the short way of registrations."""
    app = application([*parts.routers(), *more, health_routes(health)], own.body_bytes_max)
    return FastPath(app, parts.desk, parts.callers, parts.checker, own.body_bytes_max)


async def _serve(
    app: FastPath, host: str, own: ApiSettings, writer: GroupCommit, stopping: StopSignal
) -> None:
    try:
        log.info("api serving", host=host, port=own.port)
        await serve(app, host, own.port, stopping, **_proxies(own))
    finally:
        writer.stop()
    await asyncio.Event().wait()  # until the writer has written what it holds, and ends first


async def _clean(parts: Components, own: ApiSettings, stopping: StopSignal) -> None:
    kept = timedelta(hours=own.idempotency_kept_h)
    await run_forever(
        lambda: delete_old_keys(parts.pool, kept),
        stopping,
        name="idempotency cleaning",
        pause_s=CLEAN_EVERY_S,
        failing_s_max=float("inf"),  # intake never closes because something old cannot be thrown away
    )
    await asyncio.Event().wait()  # the writer ends first


async def _import(imports: ImportQueue, stopping: StopSignal) -> None:
    await imports.run(stopping)
    await asyncio.Event().wait()  # the writer ends first


def _limits(own: ApiSettings) -> QueueLimits:
    return QueueLimits(
        queue_length_max=own.queue_length_max,
        batch_rows_max=own.batch_rows_max,
        waited_s_max=own.waited_s_max,
        ambiguous_s_max=own.ambiguous_s_max,
    )


def _public(own: ApiSettings) -> PublicLimits:
    per_minute, per_hour = own.public_per_address_per_minute, own.public_per_nik_per_hour
    return PublicLimits(
        per_address=TokenBuckets(per_minute / 60, per_minute, BUCKETS_MAX, time.monotonic),
        per_nik=TokenBuckets(per_hour / 3600, per_hour, BUCKETS_MAX, time.monotonic),
    )


def _proxies(own: ApiSettings) -> dict[str, Any]:
    """Whose X-Forwarded-For is believed: by default nobody's, or callers could choose their address."""
    return {"proxy_headers": bool(own.trusted_proxies), "forwarded_allow_ips": own.trusted_proxies or None}
