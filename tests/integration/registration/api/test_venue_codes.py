"""Codes of venues: the endpoints, the command, and registrations by a venue's link."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from registration.auth.venue_codes import VenueCodes
from registration.cli.command_runner import CommandRefusedError
from registration.cli.venue_codes import create_code, listed_codes, revoke_code
from tests.support.deadlines import until
from tests.support.postgres_server import Databases
from tests.support.registration.served_api import ServedApi, nik, serve_api
from tests.support.stack import Stack

pytestmark = pytest.mark.integration

CODES = "/v1/venue-codes"


async def created(register: ServedApi, **fields: Any) -> dict[str, str]:
    answer = await register.post(CODES, {"venue": "Istora"} | fields, role="officer")
    assert answer.status_code == 201, answer.text
    body: dict[str, str] = answer.json()
    return body


async def register_at(register: ServedApi, link: str, number: int) -> httpx.Response:
    """Open the form by a link, and submit it for a person."""
    text = (await register.client.get(httpx.URL(link).path)).text
    hidden = dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]+)"', text))
    fields = {"name": "Siti Contoh", "nik": nik(number), "region": "Cideng", "consent": "2026-01"}
    return await register.client.post("/daftar", data=hidden | fields)


async def test_an_officer_creates_lists_and_revokes_a_code(register: ServedApi) -> None:
    code = await created(register)

    listed = await register.get(CODES, "officer")
    qr = await register.get(f"{CODES}/{code['code']}/qr.svg", "officer")
    revoked = await register.post(f"{CODES}/{code['code']}/revoke", b"", role="officer")
    again = await register.post(f"{CODES}/{code['code']}/revoke", b"", role="officer")

    assert code["link"] == f"http://127.0.0.1:8001/daftar/lokasi/{code['code']}"
    valid = [datetime.fromisoformat(code[field]) for field in ("valid_from", "valid_until")]
    assert valid[1] - valid[0] == timedelta(hours=12)
    assert listed.json() == {"items": [code]}
    assert (qr.headers["content-type"], qr.content[:5]) == ("image/svg+xml", b"<?xml")
    assert [revoked.status_code, again.status_code] == [204, 404]
    assert (await register.get(CODES, "officer")).json() == {"items": []}
    assert (await register.get(f"{CODES}/{code['code']}/qr.svg", "officer")).status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"valid_h": 25},
        {"valid_h": 0},
        {"venue": " "},
        {"valid_from": "2021-10-24T19:00:00"},
        {"valid_from": "2021-10-24T19:00:00+07:00"},
        {"valid_from": "9999-12-31T23:59:59+00:00"},
    ],
)
async def test_a_code_is_valid_for_at_most_a_day_soon(register: ServedApi, fields: dict[str, Any]) -> None:
    answer = await register.post(CODES, {"venue": "Istora"} | fields, role="officer")

    assert answer.status_code == 422


async def test_only_officers_and_admins_create_codes(register: ServedApi) -> None:
    answers = [
        await register.post(CODES, {"venue": "Istora"}, role=role) for role in (None, "booth", "admin")
    ]

    assert [answer.status_code for answer in answers] == [401, 403, 201]


async def test_the_people_of_a_venue_share_a_limit_of_their_own(database: Databases) -> None:
    limits: dict[str, Any] = {"public_per_address_per_minute": 1, "public_per_venue_per_minute": 2}
    async with serve_api(database.registration, **limits) as register:
        code = await created(register)

        answers = [await register_at(register, code["link"], number) for number in range(4)]
        elsewhere = await register_at(register, "http://register/daftar", 5)

    assert [answer.status_code for answer in answers] == [303, 303, 303, 429]
    assert "Coba lagi dalam" in answers[-1].text
    assert elsewhere.status_code == 429


async def test_the_result_leads_back_to_the_venues_form(register: ServedApi) -> None:
    code = await created(register)

    answer = await register_at(register, code["link"], 1)
    result = await register.client.get(answer.headers["location"])

    assert f'href="/daftar/lokasi/{code["code"]}"' in result.text


async def test_without_a_valid_code_the_form_stays_open_within_the_limit_of_the_address(
    database: Databases,
) -> None:
    async with serve_api(database.registration, public_per_address_per_minute=2) as register:
        revoked = await created(register)
        later = await created(register, valid_from=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
        await register.post(f"{CODES}/{revoked['code']}/revoke", b"", role="officer")

        pages = [
            (await register.client.get(httpx.URL(link).path)).text
            for link in (revoked["link"], later["link"], "http://register/daftar/lokasi/unknown")
        ]
        answers = [await register_at(register, revoked["link"], number) for number in range(3)]

    for page in pages:
        assert "Kode lokasi ini tidak berlaku" in page
        assert 'name="venue"' not in page
    assert [answer.status_code for answer in answers] == [303, 303, 429]


async def test_the_command_prints_a_link_that_other_processes_accept(
    register: ServedApi, tmp_path: Path
) -> None:
    file = tmp_path / "qr.svg"

    text = await create_code(register.pool, {"venue": "Istora", "valid_h": 1}, "https://daftar.example", file)

    code = text.split("/daftar/lokasi/")[1].split()[0]
    assert text.startswith("Istora: https://daftar.example/daftar/lokasi/")
    assert b"<svg" in file.read_bytes()
    await register.components.venues.refresh()
    assert "Istora" in (await register.client.get(f"/daftar/lokasi/{code}")).text
    assert code in await listed_codes(register.pool, "https://daftar.example")
    assert "revoked" in await revoke_code(register.pool, code)
    with pytest.raises(CommandRefusedError, match="no such code"):
        await revoke_code(register.pool, code)
    with pytest.raises(CommandRefusedError, match="valid_h"):
        await create_code(register.pool, {"venue": "Istora", "valid_h": 48}, "https://daftar.example", None)


async def test_a_code_ends_after_its_hours(register: ServedApi) -> None:
    code = (await created(register, valid_h=2))["code"]
    now = datetime.now(UTC)

    found = []
    for hours in (1, 3):
        venues = VenueCodes(register.pool, lambda hours=hours: now + timedelta(hours=hours))  # type: ignore[misc]  # binds the loop's value
        await venues.refresh()
        found.append(venues.valid(code) is not None)

    assert found == [True, False]


async def test_a_running_process_reads_new_codes(stack: Stack, database: Databases) -> None:
    await stack.start("api")
    async with asyncpg.create_pool(**database.registration.asyncpg_options(), min_size=1, max_size=1) as pool:
        text = await create_code(pool, {"venue": "Istora", "valid_h": 1}, stack.url("api"), None)
    link = text.split()[1]

    async with httpx.AsyncClient() as client:

        async def venue_is_shown() -> bool:
            return "Istora" in (await client.get(link)).text

        await until(venue_is_shown, 60)
