"""The registration API, served in the test's own process over a real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
from starlette.types import ASGIApp

from database.address import DatabaseAddress
from database.pool import connect
from lifecycle.http_server import serve
from lifecycle.stop_signal import StopSignal
from registration.auth.callers import Role
from registration.cli.api_keys import create_key
from registration.cli.campaigns_and_agencies import add_scope
from registration.intake.campaigns_and_agencies import ScopeKind
from registration.processes.api import Components, build_app
from registration.settings import ApiSettings, SecretSettings
from telemetry.health import Health
from tests.support.deadlines import until
from tests.support.ports import free_ports

SECRET = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
PATH = "/v1/participants"
HOST = "127.0.0.1"


def body(number: int = 0, **changed: Any) -> dict[str, Any]:
    """Return the body of a valid registration; each number gives another person.

    `changed` replaces fields. A field that is None in `changed` is omitted.
    """
    valid = {
        "name": f"Peserta {number}",
        "nik": nik(number),
        "phone": "+628123456789",
        "region": "31.71.01.1001",
        "business": {"name": "Warung Contoh", "category": "kuliner"},
        "agency": "ppkukm",
        "campaign": "fest-2021",
        "booth": "booth-07",
        "consent": "2026-01",
        "occurred_at": "2021-10-24T19:04:58+07:00",
    } | changed
    return {field: value for field, value in valid.items() if value is not None}


def nik(number: int) -> str:
    """Return a valid NIK of a region that does not exist."""
    day, month, year = 1 + number % 28, 1 + number // 28 % 12, number // 336 % 100
    return f"319901{day:02d}{month:02d}{year:02d}{number // 33600:04d}"


class ServedApi:
    """An HTTP client of the API, with an API key for each role."""

    def __init__(
        self, components: Components, client: httpx.AsyncClient, keys: Mapping[str, str], app: ASGIApp
    ) -> None:
        self.components = components
        self.client = client
        self.keys = keys
        self.app = app

    @property
    def pool(self) -> asyncpg.Pool[Any]:
        return self.components.pool

    async def post(
        self, path: str, content: Any, role: str | None = "booth", **headers: str
    ) -> httpx.Response:
        """POST `content`, unchanged if it is bytes and else as JSON. Header names are in snake case."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if role is not None:
            sent["Authorization"] = f"Bearer {self.keys[role]}"
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        return await self.client.post(path, content=data, headers=sent)

    async def get(self, path: str, role: str | None = None, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if role is not None:
            sent["Authorization"] = f"Bearer {self.keys[role]}"
        return await self.client.get(path, headers=sent)

    async def registered(self, number: int = 0, **changed: Any) -> str:
        """Register a person and return the participant's id."""
        answer = await self.post(PATH, body(number, **changed))
        assert answer.status_code == 201, answer.text
        participant_id: str = answer.json()["participant_id"]
        return participant_id


@asynccontextmanager
async def serve_api(
    database: DatabaseAddress,
    address: str = "192.0.2.1",
    writer_database: DatabaseAddress | None = None,
    **settings: Any,
) -> AsyncIterator[ServedApi]:
    """Serve the API to a client at `address`; the group commit connects to `writer_database` if given."""
    pool = await connect(database, application_name="test api", max_size=6)
    commit_pool = await connect(writer_database or database, application_name="test writer", max_size=1)
    secrets = SecretSettings.model_validate({"secret_key": SECRET})
    # High limits, so that a busy machine causes no 503 or 429 that the test does not expect.
    patient = {"public_per_address_per_minute": 100_000, "waited_s_max": 60.0}
    api_settings = ApiSettings.model_validate(patient | settings)
    keys = {role.stored_name: await create_key(pool, role, "test") for role in Role}
    await add_scope(pool, ScopeKind.CAMPAIGN, "fest-2021", "Jakpreneur Fest 2021")
    await add_scope(pool, ScopeKind.AGENCY, "ppkukm", "Dinas PPKUKM")
    components = Components(pool, commit_pool, secrets, api_settings)
    await components.scopes.refresh()
    app = build_app(components, api_settings, Health(), [])
    committing = asyncio.ensure_future(components.group_commit.run(lambda: None))
    transport = httpx.ASGITransport(app, client=(address, 50_000))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://register") as client:
            yield ServedApi(components, client, keys, app)
    finally:
        components.group_commit.stop()
        await asyncio.wait_for(committing, 60)
        pool.terminate()
        commit_pool.terminate()


@asynccontextmanager
async def listening(register: ServedApi) -> AsyncIterator[int]:
    """Serve the application over TCP; return the port."""
    (port,) = free_ports(1)
    stopping = StopSignal()
    server = asyncio.ensure_future(serve(register.app, HOST, port, stopping))
    await until(lambda: _accepts(port))
    try:
        yield port
    finally:
        stopping.set()
        await server


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True


async def check_register(pool: asyncpg.Pool[Any]) -> dict[str, int]:
    """Assert the invariants of the register; return the count of registered participants per region.

    The sequences of each partition have no gaps. The sum of all events, with `after` added and `before`
    subtracted, equals the count of registered participants in each region. The revisions of each participant
    are 1, 2, 3 …
    """
    last = {row["partition"]: row["last_sequence"] for row in await pool.fetch("SELECT * FROM partition")}
    rows = await pool.fetch("SELECT partition, sequence, value FROM event ORDER BY partition, sequence")
    sequences: dict[int, int] = dict.fromkeys(last, 0)
    counted: dict[str, int] = {}
    revisions: dict[str, int] = {}
    for row in rows:
        assert row["sequence"] == sequences[row["partition"]] + 1, "sequences have a gap"
        sequences[row["partition"]] = row["sequence"]
        event = json.loads(row["value"])
        assert (event["partition"], event["sequence"]) == (row["partition"], row["sequence"])
        data = event["data"]
        assert data["revision"] == revisions.get(event["subject"], 0) + 1, "a revision is missing or repeated"
        revisions[event["subject"]] = data["revision"]
        for standing, sign in ((data["before"], -1), (data["after"], 1)):
            if standing is not None:
                counted[standing["region"]] = counted.get(standing["region"], 0) + sign
    assert sequences == last, "last_sequence is not the last event"
    standings = await pool.fetch(
        "SELECT region, count(*) AS n FROM participant WHERE standing = 'registered' GROUP BY region"
    )
    registered = {row["region"]: row["n"] for row in standings}
    assert {region: number for region, number in counted.items() if number} == registered
    return registered
