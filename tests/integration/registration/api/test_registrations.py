"""Registrations over HTTP on a real database."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.types import Message

from tests.support.postgres_server import Databases
from tests.support.registration.served_api import PATH, ServedApi, body, check_register, nik, serve_api

pytestmark = pytest.mark.integration


async def test_a_registration_returns_id_region_revision_and_the_database_time(
    register: ServedApi,
) -> None:
    answer = await register.post(PATH, body())

    assert answer.status_code == 201
    fields = answer.json()
    assert set(fields) == {"participant_id", "region", "revision", "recorded_at"}
    assert (fields["region"], fields["revision"]) == ("31.71.01.1001", 1)
    assert answer.headers["etag"] == '"1"'
    event = json.loads(await register.pool.fetchval("SELECT value FROM event"))
    assert event["time"] == fields["recorded_at"]
    assert event["subject"] == fields["participant_id"]
    assert event["data"]["channel"] == "booth"


async def test_nik_and_phone_are_stored_sealed_and_events_have_no_personal_data(register: ServedApi) -> None:
    await register.registered(7, phone="+6281298765432")

    stored = str(await register.pool.fetchrow("SELECT * FROM participant"))
    event = await register.pool.fetchval("SELECT value FROM event")
    for personal in (nik(7), "81298765432"):
        assert personal not in stored
    for personal in (nik(7), "81298765432", "Peserta", "Warung"):
        assert personal not in event


async def test_sixty_four_parallel_posts_of_one_nik_register_it_once(register: ServedApi) -> None:
    answers = await asyncio.gather(
        *(register.post(PATH, body(), idempotency_key=f"key-{number}") for number in range(64))
    )

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 63}
    assert await check_register(register.pool) == {"31.71.01.1001": 1}


async def test_a_duplicate_is_refused_without_personal_data(register: ServedApi) -> None:
    await register.registered()

    answer = await register.post(PATH, body(name="Orang Lain"), role=None, accept_language="en")

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "https://jakpreneur.example/problems/duplicate-participant",
        "title": "This NIK is already registered.",
        "status": 409,
    }


async def test_the_same_key_and_body_get_the_same_answer_from_any_process(
    register: ServedApi, database: Databases
) -> None:
    first = await register.post(PATH, body(), idempotency_key="k")

    again = await register.post(PATH, body(), idempotency_key="k")
    async with serve_api(database.registration) as other:
        other.keys = register.keys
        elsewhere = await other.post(PATH, body(), idempotency_key="k")

    for replay in (again, elsewhere):
        assert (replay.status_code, replay.content) == (first.status_code, first.content)
        assert replay.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await check_register(register.pool) == {"31.71.01.1001": 1}


async def test_a_refusal_is_replayed_too(register: ServedApi) -> None:
    await register.registered()
    first = await register.post(PATH, body(), idempotency_key="k")

    again = await register.post(PATH, body(), idempotency_key="k")

    assert first.status_code == again.status_code == 409
    assert again.headers["idempotent-replayed"] == "true"


async def test_the_same_key_with_another_body_is_refused_and_stores_nothing(register: ServedApi) -> None:
    await register.post(PATH, body(1), idempotency_key="k")

    answer = await register.post(PATH, body(2), idempotency_key="k")

    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/idempotency-key-reused")
    assert await check_register(register.pool) == {"31.71.01.1001": 1}


async def test_callers_may_use_the_same_idempotency_key(register: ServedApi) -> None:
    await register.post(PATH, body(1), idempotency_key="k")

    answer = await register.post(PATH, body(2), role="officer", idempotency_key="k")

    assert answer.status_code == 201


async def test_parallel_requests_with_one_key_get_the_same_answer(register: ServedApi) -> None:
    answers = await asyncio.gather(*(register.post(PATH, body(), idempotency_key="k") for _ in range(8)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7
    assert await check_register(register.pool) == {"31.71.01.1001": 1}


# For each case: its name, the body, the status and the pointers of the errors.
INVALID: list[tuple[str, Any, int, list[str]]] = [
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


async def test_invalid_bodies_get_a_pointer_per_field_and_store_nothing(register: ServedApi) -> None:
    for name, content, status, pointers in INVALID:
        answer = await register.post(PATH, content, idempotency_key="k")

        assert answer.status_code == status, name
        errors = answer.json()
        assert sorted(error["pointer"] for error in errors.get("errors", [])) == pointers, name
        assert answer.headers["content-type"] == "application/problem+json", name
    for table in ("participant", "event", "idempotency"):
        assert await register.pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_errors_are_in_the_requested_language_and_never_contain_the_value(register: ServedApi) -> None:
    problems = {
        language: (await register.post(PATH, body(nik="rahasia"), accept_language=language)).json()
        for language in ("id", "en-GB", "fr")
    }

    assert problems["id"]["errors"] == [
        {"pointer": "/nik", "code": "nik_digits", "detail": "NIK harus 16 angka."}
    ]
    assert problems["en-GB"]["errors"][0]["detail"] == "A NIK has 16 digits."
    assert problems["fr"] == problems["id"]
    assert "rahasia" not in str(problems)


async def test_of_parallel_requests_only_the_invalid_ones_are_refused(register: ServedApi) -> None:
    bodies = [body(number, **({"name": "\0"} if number % 5 == 0 else {})) for number in range(50)]

    answers = await asyncio.gather(*(register.post(PATH, content) for content in bodies))

    assert [answer.status_code for answer in answers] == [422 if n % 5 == 0 else 201 for n in range(50)]
    assert await check_register(register.pool) == {"31.71.01.1001": 40}


async def test_a_body_over_64_kib_is_refused_with_or_without_content_length(register: ServedApi) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(70):
            yield b" " * 1024

    for content in (b" " * 70 * 1024, pieces()):
        answer = await register.client.post(PATH, content=content)

        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"


async def test_only_imports_may_have_longer_bodies(register: ServedApi) -> None:
    content = b" " * 70 * 1024

    statuses = {
        path: (await register.post(path, content)).status_code
        for path in ("/v1/imports", "/v1/imports/none", "/v1/importsX", "/v1/imports.csv")
    }

    assert statuses == {
        "/v1/imports": 404,  # this application has no imports
        "/v1/imports/none": 404,
        "/v1/importsX": 413,
        "/v1/imports.csv": 413,
    }


async def test_a_body_that_ends_with_a_disconnect_registers_nobody(register: ServedApi) -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": json.dumps(body()).encode(), "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "headers": [(b"content-length", b"1000")],
        "client": ("192.0.2.1", 50_000),
    }

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await register.app(scope, receive, send)

    assert sent == []
    assert await check_register(register.pool) == {}


async def test_a_campaign_just_opened_by_another_process_is_accepted(
    register: ServedApi, database: Databases
) -> None:
    async with serve_api(database.registration) as other:
        opened = await other.post("/v1/campaigns", {"id": "baru", "name": "Baru"}, role="admin")
        assert opened.status_code == 201

    assert (await register.post(PATH, body(campaign="baru"))).status_code == 201


async def test_malformed_headers_are_refused(register: ServedApi) -> None:
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
    async with serve_api(database.registration, public_per_address_per_minute=3) as register:
        answers = [await register.post(PATH, body(number), role=None) for number in range(5)]
        with_key = await register.post(PATH, body(9))

    assert [answer.status_code for answer in answers] == [201, 201, 201, 429, 429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 20
    assert with_key.status_code == 201


async def test_the_public_is_limited_per_nik(database: Databases) -> None:
    async with serve_api(database.registration, public_per_nik_per_hour=2) as register:
        answers = [await register.post(PATH, body(1), role=None) for _ in range(4)]
        other_nik = await register.post(PATH, body(2), role=None)

    assert [answer.status_code for answer in answers] == [201, 409, 429, 429]
    assert other_nik.status_code == 201


async def test_the_event_carries_the_traceparent_of_its_request(register: ServedApi) -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"

    await register.post(PATH, body(), traceparent=trace)

    assert json.loads(await register.pool.fetchval("SELECT value FROM event"))["traceparent"] == trace
