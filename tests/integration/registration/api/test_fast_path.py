"""The fast path and the application give the same response to every request."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from registration.requests.request_models import RegisterBody
from tests.support.registration.served_api import PATH, ServedApi, body

pytestmark = pytest.mark.integration

UNIQUE_FIELDS = ("participant_id", "recorded_at")
"""The fields that differ between any two registrations."""
BODIES = {
    "all fields": body(),
    "required fields only": body(
        phone=None, business=None, agency=None, campaign=None, booth=None, occurred_at=None
    ),
    "a name with extra spaces": body(name="  Siti \u00a0 Contoh  "),
    "a phone number in local form": body(phone="0812-3456-789"),
    "no region": body(region=None),
    "several invalid fields": body(
        name="", nik="12", region="31.99", consent="1999-01", occurred_at="2150-01-01"
    ),
    "an unknown campaign": body(campaign="no-such"),
    "an unknown field": body(extra=1),
    "a number as a name": body(name=7),
    "not an object": [],
    "not JSON": b"{",
    "not UTF-8": b"\xff",
    "an empty body": b"",
    "a null character": body(name="a\0b"),
    "half a surrogate pair": json.dumps(body()).replace("Peserta", "\\ud800").encode(),
    "a repeated field": json.dumps(body()).replace("{", '{"name":"Siti",', 1).encode(),
    "an over-long body": body(name="x" * 70_000),
}
HEADERS: dict[str, dict[str, str]] = {
    "a key": {},
    "no key": {"Authorization": ""},
    "a wrong key": {"Authorization": "Bearer jak_0_0"},
    "another scheme": {"Authorization": "Basic Zm9v"},
    "no idempotency key": {"Idempotency-Key": ""},
    "a malformed idempotency key": {"Idempotency-Key": "two words"},
    "an If-Match": {"If-Match": '"1"'},
    "a malformed If-Match": {"If-Match": "one"},
    "a traceparent": {"Traceparent": f"00-{1:032x}-{2:016x}-01"},
    "English": {"Accept-Language": "en"},
}


@pytest.fixture
async def clients(register: ServedApi) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """HTTP clients of the fast path and of the application behind it, which share all components."""
    transports = {
        name: httpx.ASGITransport(app, raise_app_exceptions=False, client=("192.0.2.1", 50_000))
        for name, app in (("fast path", register.app), ("application", register.app._app))
    }
    by_name = {
        name: httpx.AsyncClient(transport=transport, base_url="http://register")
        for name, transport in transports.items()
    }
    yield by_name
    for client in by_name.values():
        await client.aclose()


async def ask(
    client: httpx.AsyncClient, register: ServedApi, content: Any, **headers: str
) -> tuple[int, Mapping[str, str], Any]:
    """Send a request; return status, headers and body without values that differ in every response."""
    all_headers = {"Authorization": f"Bearer {register.keys['booth']}", "Idempotency-Key": "key"} | headers
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    given = {name: value for name, value in all_headers.items() if value}
    answer = await client.post(PATH, content=data, headers=given)
    fields = answer.json()
    kept = {
        name: value for name, value in answer.headers.items() if name not in ("location", "content-length")
    }
    return answer.status_code, kept, {name: fields[name] for name in fields if name not in UNIQUE_FIELDS}


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        *(pytest.param(content, {}, id=name) for name, content in BODIES.items()),
        *(pytest.param(body(), headers, id=name) for name, headers in HEADERS.items()),
    ],
)
async def test_both_paths_answer_a_request_its_repeat_and_a_reused_key_alike(
    register: ServedApi, clients: dict[str, httpx.AsyncClient], content: Any, headers: dict[str, str]
) -> None:
    answers = {}
    for name, client in clients.items():
        first = await ask(client, register, content, **headers)
        again = await ask(client, register, content, **headers)
        changed = await ask(client, register, body(1), **headers)
        answers[name] = (first, again, changed)
        await register.pool.execute("TRUNCATE participant, idempotency CASCADE")

    assert answers["fast path"] == answers["application"]


async def test_both_paths_answer_an_unexpected_error_with_500(
    register: ServedApi, clients: dict[str, httpx.AsyncClient]
) -> None:
    await register.pool.execute("ALTER TABLE idempotency RENAME TO missing")

    answers = [await ask(client, register, body()) for client in clients.values()]

    assert answers[0] == answers[1]
    assert answers[0][0] == 500


async def test_each_path_replays_the_answers_of_the_other(
    register: ServedApi, clients: dict[str, httpx.AsyncClient]
) -> None:
    key = {"Authorization": f"Bearer {register.keys['booth']}", "Idempotency-Key": "key"}

    fast = await clients["fast path"].post(PATH, json=body(), headers=key)
    replayed = await clients["application"].post(PATH, json=body(), headers=key)

    assert (fast.status_code, replayed.status_code) == (201, 201)
    assert replayed.headers["idempotent-replayed"] == "true"
    assert fast.json() == replayed.json()
    assert dict(fast.headers) == {
        name: value for name, value in replayed.headers.items() if name != "idempotent-replayed"
    }


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_other_methods_are_answered_by_the_application(
    register: ServedApi, clients: dict[str, httpx.AsyncClient], method: str
) -> None:
    answers = [await client.request(method, PATH) for client in clients.values()]

    assert len({(answer.status_code, answer.content) for answer in answers}) == 1


async def test_a_chunked_body_with_or_without_content_length_is_accepted(
    register: ServedApi, clients: dict[str, httpx.AsyncClient]
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        whole = json.dumps(body()).encode()
        yield whole[:20]
        yield whole[20:]

    key = {"Authorization": f"Bearer {register.keys['booth']}", "Idempotency-Key": "key"}
    announced = {**key, "Content-Length": str(len(json.dumps(body())))}

    unannounced = await clients["fast path"].post(PATH, content=pieces(), headers=key)
    whole = await clients["fast path"].post(PATH, content=pieces(), headers=announced)

    assert (unannounced.status_code, whole.status_code) == (201, 201)
    assert whole.headers["idempotent-replayed"] == "true"


@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
async def test_both_paths_answer_any_field_value_alike(
    register: ServedApi, clients: dict[str, httpx.AsyncClient], data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(sorted(RegisterBody.model_fields)))
    odd_value = st.one_of(st.text(max_size=20), st.integers(), st.none(), st.booleans(), st.lists(st.text()))
    content = body() | {field: data.draw(odd_value)}

    answers = []
    for client in clients.values():
        answers.append(await ask(client, register, content))
        await register.pool.execute("TRUNCATE participant, idempotency CASCADE")

    assert answers[0] == answers[1]
