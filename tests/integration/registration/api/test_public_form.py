"""The public registration form, as a browser without JavaScript uses it."""

from __future__ import annotations

import html
import re

import httpx
import pytest

from tests.support.postgres_server import Databases
from tests.support.registration.served_api import ServedApi, check_register, nik, serve_api

pytestmark = pytest.mark.integration

FILLED = {
    "name": "Siti Contoh",
    "nik": nik(1),
    "phone": "0812 3456 789",
    "region": "31.71.01.1001",
    "business_name": "Warung Siti",
    "category": "kuliner",
    "consent": "2026-01",
}


async def page(register: ServedApi) -> str:
    return (await register.client.get("/daftar")).text


async def send(register: ServedApi, **changed: str) -> httpx.Response:
    """Submit the form with valid fields except `changed`, and with the idempotency key from the page."""
    key = re.search(r'name="key" value="([^"]+)"', await page(register))
    assert key is not None
    return await register.client.post("/daftar", data={"key": key[1]} | FILLED | changed)


async def test_every_field_has_a_label_and_every_kelurahan_is_under_its_kecamatan(
    register: ServedApi,
) -> None:
    text = await page(register)

    fields = set(re.findall(r'<(?:input|select) id="([^"]+)"', text))
    assert fields == set(FILLED) == set(re.findall(r'<label for="([^"]+)"', text))
    assert len(re.findall(r"<optgroup ", text)) == 44
    assert len(re.findall(r'<option value="31\.', text)) == 267
    assert '<html lang="id">' in text
    assert "<script" not in text


async def test_a_valid_form_registers_and_shows_the_participant_id(register: ServedApi) -> None:
    answer = await send(register)

    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    row = await register.pool.fetchrow("SELECT id, name, channel, business FROM participant")
    assert row is not None
    assert (row["name"], row["channel"]) == ("Siti Contoh", "web")
    assert str(row["id"]) in answer.text
    assert await check_register(register.pool) == {"31.71.01.1001": 1}


async def test_errors_appear_beside_their_fields_and_the_values_are_kept(register: ServedApi) -> None:
    answer = await send(register, nik="123", business_name="", name='<b>"Siti"</b>', consent="")

    assert answer.status_code == 422
    text = answer.text
    assert 'id="nik-error">NIK harus 16 angka.' in text
    assert 'id="business_name-error"' in text
    assert 'id="consent-error">Wajib diisi.' in text
    assert '<a href="#nik">NIK</a>' in text
    assert html.escape('<b>"Siti"</b>').replace("&quot;", "&#34;") in text
    assert "<b>" not in text
    assert '<option value="31.71.01.1001" selected>' in text
    assert await check_register(register.pool) == {}


async def test_a_known_nik_is_refused_without_personal_data(register: ServedApi) -> None:
    await send(register)

    answer = await send(register, name="Orang Lain")

    assert answer.status_code == 409
    assert "NIK ini sudah terdaftar." in answer.text
    assert "Siti Contoh" not in answer.text


async def test_the_same_form_sent_twice_registers_once(register: ServedApi) -> None:
    fields = {"key": "satu-kunci"} | FILLED

    answers = [await register.client.post("/daftar", data=fields) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].text == answers[1].text
    assert await check_register(register.pool) == {"31.71.01.1001": 1}


async def test_an_over_long_empty_or_multipart_form_is_refused_with_the_page(register: ServedApi) -> None:
    large = await register.client.post("/daftar", data=FILLED | {"name": "x" * 70_000})
    empty = await register.client.post("/daftar", content=b"")
    upload = await register.client.post("/daftar", files={"nik": ("n.txt", b"1")})

    assert [response.status_code for response in (large, empty, upload)] == [413, 422, 422]


async def test_an_address_over_its_limit_gets_429_with_retry_after(database: Databases) -> None:
    async with serve_api(database.registration, public_per_address_per_minute=1) as register:
        await send(register)

        answer = await send(register, nik=nik(2))

    assert answer.status_code == 429
    assert "Terlalu banyak percobaan" in answer.text
    assert int(answer.headers["retry-after"]) > 0
