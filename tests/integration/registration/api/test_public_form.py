"""The public registration form, as a browser without JavaScript uses it."""

from __future__ import annotations

import html
import re
from typing import Any

import httpx
import pytest

from tests.support.postgres_server import Databases
from tests.support.registration.served_api import PATH, ServedApi, body, check_register, nik, serve_api

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


async def test_every_field_has_a_label_and_every_kelurahan_is_suggested_with_its_kecamatan(
    register: ServedApi,
) -> None:
    text = await page(register)

    fields = set(re.findall(r'<(?:input|select) id="([^"]+)"', text))
    assert fields == set(FILLED) == set(re.findall(r'<label for="([^"]+)"', text))
    assert len(set(re.findall(r'<option value="[^"]+, Kec. [^"]+">', text))) == 267
    assert '<html lang="id">' in text


async def test_a_valid_form_registers_and_leads_to_the_result(register: ServedApi) -> None:
    answer = await send(register)

    assert answer.status_code == 303
    result = await register.client.get(answer.headers["location"])
    assert result.status_code == 200
    for response in (answer, result):
        assert response.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in response.headers["content-security-policy"]
    row = await register.pool.fetchrow("SELECT id, name, channel, business FROM participant")
    assert row is not None
    assert (row["name"], row["channel"]) == ("Siti Contoh", "web")
    assert str(row["id"]) in result.text
    assert "Siti" not in result.text
    assert await check_register(register.pool) == {"31.71.01.1001": 1}


async def test_the_result_page_confirms_only_registrations_of_this_register(register: ServedApi) -> None:
    location = (await send(register)).headers["location"]
    other = re.sub("nomor=[^&]+", "nomor=0192f4b8-0000-7000-8000-000000000000", location)

    for link in (other, location[:-1] + "x", location.split("&")[0], "/daftar/diterima?nomor=1&tanda=\xff"):
        answer = await register.client.get(link)
        assert (answer.status_code, answer.headers["location"]) == (303, "/daftar"), link


async def test_errors_appear_beside_their_fields_and_the_values_are_kept(register: ServedApi) -> None:
    answer = await send(register, nik="123", business_name="", name='<b>"Siti"</b>', consent="")

    assert answer.status_code == 422
    text = answer.text
    assert 'id="nik-error">NIK harus 16 angka.' in text
    assert 'id="business_name-error"' in text
    assert 'id="consent-error">Beri tanda centang jika Anda setuju.' in text
    assert '<a href="#nik">NIK</a>' in text
    assert html.escape('<b>"Siti"</b>').replace("&quot;", "&#34;") in text
    assert "<b>" not in text
    assert 'name="region" value="Gambir, Kec. Gambir"' in text
    assert await check_register(register.pool) == {}


async def test_a_known_nik_is_refused_without_personal_data(register: ServedApi) -> None:
    await send(register)

    answer = await send(register, name="Orang Lain")

    assert answer.status_code == 409
    assert "NIK ini sudah terdaftar." in answer.text
    assert "tetap tersimpan dan tidak berubah" in answer.text
    assert "Siti Contoh" not in answer.text


async def test_the_nik_of_a_withdrawn_person_is_answered_like_any_known_nik(register: ServedApi) -> None:
    withdrawn = await register.registered(1)
    await register.registered(2)
    await register.post(f"{PATH}/{withdrawn}/withdraw", {})
    before = await register.pool.fetch("SELECT participant FROM participant ORDER BY id")

    answers = [await send(register, key="kunci", nik=nik(number)) for number in (1, 2)]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert answers[0].text.replace(nik(1), nik(2)) == answers[1].text
    assert await register.pool.fetch("SELECT participant FROM participant ORDER BY id") == before


async def test_the_same_form_sent_twice_registers_once(register: ServedApi) -> None:
    fields = {"key": "satu-kunci"} | FILLED

    answers = [await register.client.post("/daftar", data=fields) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert await check_register(register.pool) == {"31.71.01.1001": 1}


async def test_a_form_that_was_sent_before_registers_another_person_or_says_that_nothing_changed(
    register: ServedApi,
) -> None:
    key = {"key": "satu-kunci"}
    await send(register, **key, phone="")

    added = await send(register, **key)
    other = await send(register, **key, nik=nik(2), name="Orang Lain")

    assert (added.status_code, other.status_code) == (409, 303)
    assert "Pendaftaran yang ada tetap tersimpan dan tidak berubah" in added.text
    assert "Untuk menambah nomor telepon" in added.text
    assert "Idempotency" not in added.text
    assert await register.pool.fetchval("SELECT count(*) FROM participant WHERE phone_cipher IS NULL") == 1
    assert await check_register(register.pool) == {"31.71.01.1001": 2}


@pytest.mark.parametrize("key", ["", "two words", "\xe9", "x" * 300])
async def test_a_malformed_key_of_a_form_is_replaced(register: ServedApi, key: str) -> None:
    answer = await send(register, key=key)

    assert answer.status_code == 303


@pytest.mark.parametrize(
    "text", ["Gambir", "kel. gambir", "Gambir, Kec. Gambir", "3171011001", "31.71.01.1001"]
)
async def test_a_region_may_be_given_by_name_or_code(register: ServedApi, text: str) -> None:
    answer = await send(register, region=text)

    assert answer.status_code == 303
    assert await check_register(register.pool) == {"31.71.01.1001": 1}


async def test_a_name_of_several_kelurahan_is_refused_with_the_candidates(register: ServedApi) -> None:
    refused = await send(register, region="Cempaka Putih")
    chosen = await send(register, region="Cempaka Putih", region_choice="31.71.05.1001")

    assert refused.status_code == 422
    assert "Pilih kelurahan yang dimaksud" in refused.text
    labels = re.findall(r'type="radio" value="31\.71\.05\.[0-9]+"><label for="[^"]+">([^<]+)<', refused.text)
    assert "Cempaka Putih Timur, Kec. Cempaka Putih" in labels
    assert chosen.status_code == 303
    assert await check_register(register.pool) == {"31.71.05.1001": 1}


@pytest.mark.parametrize(
    "written", ["3199 0102 0100 0000", "3199.0102.0100.0000", "'3199010201000000", "\u200b3199010201000000"]
)
async def test_a_nik_is_accepted_as_it_is_pasted(register: ServedApi, written: str) -> None:
    answer = await send(register, nik=written)

    assert answer.status_code == 303
    assert not re.search(r'id="nik"[^>]*(?:maxlength|pattern)', await page(register))


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"category": ""}, "category", "Pilih bidang usaha."),
        ({"business_name": ""}, "business_name", "Tulis nama usaha, atau kosongkan juga bidang usaha."),
        ({"phone": "0812345678 Ani"}, "phone", "Tulis satu nomor lengkap dengan kode area, tanpa huruf."),
        (
            {"phone": "0812 3456 789 / 0813 3456 789"},
            "phone",
            "Tulis satu nomor lengkap dengan kode area, tanpa huruf.",
        ),
        ({"phone": "0" * 40}, "phone", "Tulis satu nomor lengkap dengan kode area, tanpa huruf."),
        ({"nik": "31990102010000"}, "nik", "NIK harus 16 angka. Yang ditulis 14 angka."),
        ({"nik": ""}, "nik", "Tulis 16 angka NIK di KTP."),
        ({"name": "x" * 121}, "name", "Paling banyak 120 huruf."),
        ({"region": "Bandung"}, "region", "Kelurahan ini tidak ada di Jakarta."),
        (
            {"consent": "2020-01"},
            "consent",
            "Teks persetujuan sudah berubah. Baca lagi, lalu beri tanda centang.",
        ),
    ],
)
async def test_a_sentence_beside_the_field_says_what_to_do(
    register: ServedApi, changed: dict[str, str], field: str, sentence: str
) -> None:
    answer = await send(register, **changed)

    assert answer.status_code == 422
    assert f'id="{field}-error">{sentence}' in answer.text
    assert answer.text.count('class="error"') == 1


async def test_an_old_consent_does_not_become_a_consent_to_the_new_text(register: ServedApi) -> None:
    answer = await send(register, consent="2020-01")

    assert not re.search(r'id="consent"[^>]* checked', answer.text)
    assert re.search(r'id="consent"[^>]* checked', (await send(register, nik="1")).text)


async def test_an_over_long_empty_or_multipart_form_is_refused_with_the_page(register: ServedApi) -> None:
    large = await register.client.post("/daftar", data=FILLED | {"name": "x" * 70_000})
    empty = await register.client.post("/daftar", content=b"")
    upload = await register.client.post("/daftar", files={"nik": ("n.txt", b"1")})

    assert [response.status_code for response in (large, empty, upload)] == [413, 422, 422]


async def test_a_failure_of_the_database_is_told_on_the_page_and_the_fields_are_kept(
    register: ServedApi,
) -> None:
    filled = FILLED | {"key": "one", "name": "Ani Contoh"}
    await register.pool.execute("ALTER TABLE token_bucket RENAME TO token_bucket_away")
    broken = await register.client.post("/daftar", data=filled)
    await register.pool.execute("ALTER TABLE token_bucket_away RENAME TO token_bucket")
    register.components.pool.terminate()

    unavailable = await register.client.post("/daftar", data=filled)

    for answer, status in ((broken, 500), (unavailable, 503)):
        assert answer.status_code == status
        assert "Tekan Daftar sekali lagi" in answer.text
        assert "Ani Contoh" in answer.text


async def test_an_address_over_its_limit_is_told_how_long_to_wait_and_keeps_its_fields(
    database: Databases,
) -> None:
    async with serve_api(database.registration, public_per_address_per_minute=1) as register:
        await send(register)

        answer = await send(register, nik=nik(2))

    assert answer.status_code == 429
    assert "Terlalu banyak percobaan" in answer.text
    assert re.search("Coba lagi dalam (?:[0-9]+ detik|1 menit)[.]", answer.text)
    assert nik(2) in answer.text
    assert int(answer.headers["retry-after"]) > 0


async def test_mistakes_are_free_and_known_niks_count(database: Databases) -> None:
    limits: dict[str, Any] = {"public_per_address_per_minute": 2, "public_mistakes_per_minute": 3}
    async with serve_api(database.registration, **limits) as register:
        mistakes = [await send(register, nik="1") for _ in range(3)]
        registered = await send(register)
        known = await send(register)
        limited = await register.post(PATH, body(2), role=None)

    assert {answer.status_code for answer in mistakes} == {422}
    assert [answer.status_code for answer in (registered, known, limited)] == [303, 409, 429]
