"""Registering over HTTP on a real database."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.databases import Databases
from tests.support.registration.served_api import PATH, Served, body, check_register, nik, served

pytestmark = pytest.mark.integration


async def test_a_registration_is_answered_with_id_region_revision_and_the_databases_time(
    register: Served,
) -> None:
    answer = await register.post(PATH, body())

    assert answer.status_code == 201
    told = answer.json()
    assert set(told) == {"participant_id", "region", "revision", "recorded_at"}
    assert (told["region"], told["revision"]) == ("31.71.01.1001", 1)
    assert answer.headers["etag"] == '"1"'
    event = json.loads(await register.pool.fetchval("SELECT value FROM event"))
    assert event["time"] == told["recorded_at"]
    assert event["subject"] == told["participant_id"]
    assert event["data"]["channel"] == "booth"


async def test_no_personal_data_is_stored_in_the_clear_or_leaves_with_the_event(register: Served) -> None:
    await register.registered(7, phone="+6281298765432")

    stored = str(await register.pool.fetchrow("SELECT * FROM participant"))
    event = await register.pool.fetchval("SELECT value FROM event")
    for personal in (nik(7), "81298765432"):
        assert personal not in stored
    for personal in (nik(7), "81298765432", "Peserta", "Warung"):
        assert personal not in event


async def test_sixty_four_parallel_posts_of_one_nik_register_it_once(register: Served) -> None:
    answers = await asyncio.gather(
        *(register.post(PATH, body(), idempotency_key=f"key-{number}") for number in range(64))
    )

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 63}
    assert await check_register(register.pool) == {"31.71.01.1001": 1}


async def test_a_duplicate_is_told_nothing_but_that(register: Served) -> None:
    await register.registered()

    answer = await register.post(PATH, body(name="Orang Lain"), role=None, accept_language="en")

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "https://jakpreneur.example/problems/duplicate-participant",
        "title": "This NIK is already registered.",
        "status": 409,
    }


async def test_the_same_key_and_body_again_gets_the_same_answer_from_any_process(
    register: Served, database: Databases
) -> None:
    first = await register.post(PATH, body(), idempotency_key="k")

    again = await register.post(PATH, body(), idempotency_key="k")
    async with served(database.registration) as other:
        other.keys = register.keys
        elsewhere = await other.post(PATH, body(), idempotency_key="k")

    for replay in (again, elsewhere):
        assert (replay.status_code, replay.content) == (first.status_code, first.content)
        assert replay.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await check_register(register.pool) == {"31.71.01.1001": 1}


async def test_a_refusal_is_replayed_too(register: Served) -> None:
    await register.registered()
    first = await register.post(PATH, body(), idempotency_key="k")

    again = await register.post(PATH, body(), idempotency_key="k")

    assert first.status_code == again.status_code == 409
    assert again.headers["idempotent-replayed"] == "true"


async def test_the_same_key_with_another_body_is_refused_and_stores_nothing(register: Served) -> None:
    await register.post(PATH, body(1), idempotency_key="k")

    answer = await register.post(PATH, body(2), idempotency_key="k")

    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/idempotency-key-reused")
    assert await check_register(register.pool) == {"31.71.01.1001": 1}


async def test_a_key_belongs_to_its_caller(register: Served) -> None:
    await register.post(PATH, body(1), idempotency_key="k")

    answer = await register.post(PATH, body(2), role="officer", idempotency_key="k")

    assert answer.status_code == 201


async def test_a_key_in_flight_waits_and_is_replayed(register: Served) -> None:
    answers = await asyncio.gather(*(register.post(PATH, body(), idempotency_key="k") for _ in range(8)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7
    assert await check_register(register.pool) == {"31.71.01.1001": 1}


# what is sent, the status, and the pointers named
BAD: list[tuple[str, Any, int, list[str]]] = [
    ("no json", b"{", 400, []),
    ("no utf-8", b'{"name":"\xff"}', 400, []),
    ("empty", b"", 400, []),
    ("not an object", [], 422, [""]),
    ("a number for text", body(name=7), 422, ["/name"]),
    ("unknown field", body(surname="x"), 422, ["/surname"]),
    ("control character", body(name="a\0b"), 422, ["/name"]),
    (
        "control character within",
        body(business={"name": "a\x1fb", "category": "jasa"}),
        422,
        ["/business/name"],
    ),
    ("nik of 15 digits", body(nik="319901410190000"), 422, ["/nik"]),
    ("impossible date", body(nik="3199013202900000"), 422, ["/nik"]),
    ("blank name", body(name="  "), 422, ["/name"]),
    ("no such kelurahan", body(region="31.71.01.9999"), 422, ["/region"]),
    ("a kecamatan", body(region="31.71.01"), 422, ["/region"]),
    ("unknown campaign", body(campaign="none"), 422, ["/campaign"]),
    ("unknown agency", body(agency="none"), 422, ["/agency"]),
    ("unknown consent", body(consent="none"), 422, ["/consent"]),
    ("too far ahead", body(occurred_at="2999-01-01T00:00:00Z"), 422, ["/occurred_at"]),
    ("many at once", body(nik="1", region="x", consent="y"), 422, ["/consent", "/nik", "/region"]),
]


async def test_bad_input_is_named_field_by_field_and_stores_nothing(register: Served) -> None:
    for name, sent, status, pointers in BAD:
        answer = await register.post(PATH, sent, idempotency_key="k")

        assert answer.status_code == status, name
        told = answer.json()
        assert sorted(error["pointer"] for error in told.get("errors", [])) == pointers, name
        assert answer.headers["content-type"] == "application/problem+json", name
    for table in ("participant", "event", "idempotency"):
        assert await register.pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_bad_input_is_told_in_the_asked_language_without_the_value(register: Served) -> None:
    told = {
        language: (await register.post(PATH, body(nik="rahasia"), accept_language=language)).json()
        for language in ("id", "en-GB", "fr")
    }

    assert told["id"]["errors"] == [
        {"pointer": "/nik", "code": "nik_digits", "detail": "NIK harus 16 angka."}
    ]
    assert told["en-GB"]["errors"][0]["detail"] == "A NIK has 16 digits."
    assert told["fr"] == told["id"]
    assert "rahasia" not in str(told)


async def test_of_a_crowd_only_those_with_bad_input_are_refused(register: Served) -> None:
    sent = [body(number, **({"name": "\0"} if number % 5 == 0 else {})) for number in range(50)]

    answers = await asyncio.gather(*(register.post(PATH, each) for each in sent))

    assert [answer.status_code for answer in answers] == [422 if n % 5 == 0 else 201 for n in range(50)]
    assert await check_register(register.pool) == {"31.71.01.1001": 40}


async def test_a_body_over_64_kib_is_refused_whether_announced_or_not(register: Served) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(70):
            yield b" " * 1024

    for content in (b" " * 70 * 1024, pieces()):
        answer = await register.client.post(PATH, content=content)

        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_campaign_opened_elsewhere_a_moment_ago_is_known(
    register: Served, database: Databases
) -> None:
    async with served(database.registration) as other:
        opened = await other.post("/v1/campaigns", {"id": "baru", "name": "Baru"}, role="admin")
        assert opened.status_code == 201

    assert (await register.post(PATH, body(campaign="baru"))).status_code == 201


async def test_headers_of_another_form_are_refused(register: Served) -> None:
    wrong = [("Idempotency-Key", value, 400) for value in (b"", b"with blank", b"x" * 201, b"\xc3\xa9")]
    wrong += [
        ("Authorization", value, 401)
        for value in (b"Bearer x", b"Basic eA==", b"Bearer", b"Bearer jak_%s_%s" % (b"0" * 16, b"A" * 43))
    ]
    for header, value, status in wrong:
        answer = await register.client.post(
            PATH, content=json.dumps(body()), headers=[(header.encode(), value)]
        )

        assert answer.status_code == status, value
        assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)


async def test_the_public_is_limited_per_address(database: Databases) -> None:
    async with served(database.registration, public_per_address_per_minute=3) as register:
        answers = [await register.post(PATH, body(number), role=None) for number in range(5)]
        with_key = await register.post(PATH, body(9))

    assert [answer.status_code for answer in answers] == [201, 201, 201, 429, 429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 20
    assert with_key.status_code == 201


async def test_the_public_is_limited_per_nik_from_whatever_address(database: Databases) -> None:
    async with served(database.registration, public_per_nik_per_hour=2) as register:
        answers = [await register.post(PATH, body(1), role=None) for _ in range(4)]
        other_nik = await register.post(PATH, body(2), role=None)

    assert [answer.status_code for answer in answers] == [201, 409, 429, 429]
    assert other_nik.status_code == 201


async def test_a_trace_goes_along_with_the_event(register: Served) -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"

    await register.post(PATH, body(), traceparent=trace)

    assert json.loads(await register.pool.fetchval("SELECT value FROM event"))["traceparent"] == trace
