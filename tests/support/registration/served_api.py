"""The api's parts, served in the test's own process over a real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx

from database.pool import connect
from registration.api.fast_path import FastPath
from registration.auth.api_keys import Role
from registration.cli import admin
from registration.intake.scopes import ScopeKind
from registration.processes.api import Components, build
from registration.settings import ApiSettings, SecretSettings
from telemetry.health import Health

SECRET = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
PATH = "/v1/participants"


def body(number: int = 0, **changed: Any) -> dict[str, Any]:
    """A good registration; each number is another person. None takes a field away."""
    good = {
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
    return {field: value for field, value in good.items() if value is not None}


def nik(number: int) -> str:
    """A NIK that belongs to nobody."""
    day, month, year = 1 + number % 28, 1 + number // 28 % 12, number // 336 % 100
    return f"319901{day:02d}{month:02d}{year:02d}{number // 33600:04d}"


class Served:
    """A client of the application, with a key for each role."""

    def __init__(
        self, parts: Components, client: httpx.AsyncClient, keys: Mapping[str, str], app: FastPath
    ) -> None:
        self.parts = parts
        self.client = client
        self.keys = keys
        self.app = app

    @property
    def pool(self) -> asyncpg.Pool[Any]:
        return self.parts.pool

    async def post(
        self, path: str, content: Any, role: str | None = "booth", **headers: str
    ) -> httpx.Response:
        """POST a body (bytes as they are, else as JSON); header names in snake case."""
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
        """Register somebody; the id."""
        answer = await self.post(PATH, body(number, **changed))
        assert answer.status_code == 201, answer.text
        participant_id: str = answer.json()["participant_id"]
        return participant_id


@asynccontextmanager
async def served(
    url: str, address: str = "192.0.2.1", writer_url: str | None = None, **settings: Any
) -> AsyncIterator[Served]:
    """Serve over a database; the writer reaches it by another URL if one is given."""
    pool = await connect(url, application_name="test api", max_size=6)
    writing = await connect(writer_url or url, application_name="test writer", max_size=1)
    secrets = SecretSettings.model_validate({"secret_key": SECRET})
    # A busy machine must not turn what is tested into 503s.
    patient = {"public_per_address_per_minute": 100_000, "waited_s_max": 60.0}
    own = ApiSettings.model_validate(patient | settings)
    keys = {role.word: await admin.create_key(pool, role, "test") for role in Role}
    await admin.add_scope(pool, ScopeKind.CAMPAIGN, "fest-2021", "Jakpreneur Fest 2021")
    await admin.add_scope(pool, ScopeKind.AGENCY, "ppkukm", "Dinas PPKUKM")
    parts = Components(pool, writing, secrets, own)
    await parts.scopes.refresh()
    app = build(parts, own, Health(), [])
    running = asyncio.ensure_future(parts.writer.run(lambda: None))
    transport = httpx.ASGITransport(app, client=(address, 50_000))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://register") as client:
            yield Served(parts, client, keys, app)
    finally:
        parts.writer.stop()
        await asyncio.wait_for(running, 40)
        pool.terminate()
        writing.terminate()


async def check_register(pool: asyncpg.Pool[Any]) -> dict[str, int]:
    """Assert what must hold of every register; the count of registered participants per region.

    Sequences are gapless per partition; adding `after` and subtracting `before` of all events gives exactly
    the standings; revisions of a participant are 1, 2, 3 …
    """
    last = {row["partition"]: row["last_sequence"] for row in await pool.fetch("SELECT * FROM partition")}
    rows = await pool.fetch("SELECT partition, sequence, value FROM event ORDER BY partition, sequence")
    seen: dict[int, int] = dict.fromkeys(last, 0)
    counted: dict[str, int] = {}
    revisions: dict[str, int] = {}
    for row in rows:
        assert row["sequence"] == seen[row["partition"]] + 1, "sequences have a hole"
        seen[row["partition"]] = row["sequence"]
        event = json.loads(row["value"])
        assert (event["partition"], event["sequence"]) == (row["partition"], row["sequence"])
        data = event["data"]
        assert data["revision"] == revisions.get(event["subject"], 0) + 1, "a revision is missing or doubled"
        revisions[event["subject"]] = data["revision"]
        for standing, sign in ((data["before"], -1), (data["after"], 1)):
            if standing is not None:
                counted[standing["region"]] = counted.get(standing["region"], 0) + sign
    assert seen == last, "last_sequence is not the last event"
    standings = await pool.fetch(
        "SELECT region, count(*) AS n FROM participant WHERE standing = 'registered' GROUP BY region"
    )
    stood = {row["region"]: row["n"] for row in standings}
    assert {region: number for region, number in counted.items() if number} == stood
    return stood
