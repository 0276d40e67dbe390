"""The short way of registrations and the framework's tell the same, whatever is sent."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from registration.requests.request_models import RegisterBody
from tests.support.registration.served_api import PATH, Served, body

pytestmark = pytest.mark.integration

OWN = ("participant_id", "recorded_at")
"""What differs between any two registrations."""
BODIES = {
    "all of it": body(),
    "the least": body(phone=None, business=None, agency=None, campaign=None, booth=None, occurred_at=None),
    "a name to be tidied": body(name="  Siti \u00a0 Contoh  "),
    "a phone as dialled": body(phone="0812-3456-789"),
    "no region": body(region=None),
    "several faults": body(name="", nik="12", region="31.99", consent="1999-01", occurred_at="2150-01-01"),
    "a campaign that is none": body(campaign="no-such"),
    "a field too much": body(extra=1),
    "a number for a text": body(name=7),
    "no object": [],
    "no JSON": b"{",
    "no text": b"\xff",
    "nothing": b"",
    "a null character": body(name="a\0b"),
    "half a pair": json.dumps(body()).replace("Peserta", "\\ud800").encode(),
    "a field twice": json.dumps(body()).replace("{", '{"name":"Siti",', 1).encode(),
    "too much": body(name="x" * 70_000),
}
HEADERS: dict[str, dict[str, str]] = {
    "a key": {},
    "no key": {"Authorization": ""},
    "a wrong key": {"Authorization": "Bearer jak_0_0"},
    "another scheme": {"Authorization": "Basic Zm9v"},
    "no idempotency key of its own": {"Idempotency-Key": ""},
    "an idempotency key that is none": {"Idempotency-Key": "two words"},
    "a condition": {"If-Match": '"1"'},
    "a condition that is none": {"If-Match": "one"},
    "a trace": {"Traceparent": f"00-{1:032x}-{2:016x}-01"},
    "English": {"Accept-Language": "en"},
}


@pytest.fixture
async def ways(register: Served) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """Clients of the application with and without its shortcut, over the same parts."""
    transports = {
        name: httpx.ASGITransport(app, raise_app_exceptions=False, client=("192.0.2.1", 50_000))
        for name, app in (("short", register.app), ("long", register.app._app))
    }
    clients = {
        name: httpx.AsyncClient(transport=transport, base_url="http://register")
        for name, transport in transports.items()
    }
    yield clients
    for client in clients.values():
        await client.aclose()


async def ask(
    client: httpx.AsyncClient, register: Served, content: Any, **headers: str
) -> tuple[int, Mapping[str, str], Any]:
    """What is told: status, headers, body, without what differs between any two registrations."""
    sent = {"Authorization": f"Bearer {register.keys['booth']}", "Idempotency-Key": "key"} | headers
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    answer = await client.post(PATH, content=data, headers={name: sent[name] for name in sent if sent[name]})
    told = answer.json()
    kept = {
        name: value for name, value in answer.headers.items() if name not in ("location", "content-length")
    }
    return answer.status_code, kept, {name: told[name] for name in told if name not in OWN}


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        *(pytest.param(content, {}, id=name) for name, content in BODIES.items()),
        *(pytest.param(body(), headers, id=name) for name, headers in HEADERS.items()),
    ],
)
async def test_both_ways_tell_the_same_and_the_second_time_too(
    register: Served, ways: dict[str, httpx.AsyncClient], content: Any, headers: dict[str, str]
) -> None:
    told = {}
    for name, client in ways.items():
        first = await ask(client, register, content, **headers)
        again = await ask(client, register, content, **headers)
        changed = await ask(client, register, body(1), **headers)
        told[name] = (first, again, changed)
        await register.pool.execute("TRUNCATE participant, idempotency CASCADE")

    assert told["short"] == told["long"]


async def test_both_ways_answer_what_nobody_foresaw(
    register: Served, ways: dict[str, httpx.AsyncClient]
) -> None:
    await register.pool.execute("ALTER TABLE idempotency RENAME TO nobody_knows_where")

    told = [await ask(client, register, body()) for client in ways.values()]

    assert told[0] == told[1]
    assert told[0][0] == 500


async def test_one_way_replays_what_the_other_was_told(
    register: Served, ways: dict[str, httpx.AsyncClient]
) -> None:
    key = {"Authorization": f"Bearer {register.keys['booth']}", "Idempotency-Key": "key"}

    short = await ways["short"].post(PATH, json=body(), headers=key)
    long = await ways["long"].post(PATH, json=body(), headers=key)

    assert (short.status_code, long.status_code) == (201, 201)
    assert long.headers["idempotent-replayed"] == "true"
    assert short.json() == long.json()
    assert dict(short.headers) == {
        name: value for name, value in long.headers.items() if name != "idempotent-replayed"
    }


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_what_is_no_registration_goes_the_long_way(
    register: Served, ways: dict[str, httpx.AsyncClient], method: str
) -> None:
    answers = [await client.request(method, PATH) for client in ways.values()]

    assert len({(answer.status_code, answer.content) for answer in answers}) == 1


async def test_a_body_in_pieces_or_of_unannounced_length_is_taken_alike(
    register: Served, ways: dict[str, httpx.AsyncClient]
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        whole = json.dumps(body()).encode()
        yield whole[:20]
        yield whole[20:]

    key = {"Authorization": f"Bearer {register.keys['booth']}", "Idempotency-Key": "key"}
    announced = {**key, "Content-Length": str(len(json.dumps(body())))}

    unannounced = await ways["short"].post(PATH, content=pieces(), headers=key)
    whole = await ways["short"].post(PATH, content=pieces(), headers=announced)

    assert (unannounced.status_code, whole.status_code) == (201, 201)
    assert whole.headers["idempotent-replayed"] == "true"


@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
async def test_whatever_the_fields_hold_both_ways_tell_the_same(
    register: Served, ways: dict[str, httpx.AsyncClient], data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(sorted(RegisterBody.model_fields)))
    odd = st.one_of(st.text(max_size=20), st.integers(), st.none(), st.booleans(), st.lists(st.text()))
    content = body() | {field: data.draw(odd)}

    told = []
    for client in ways.values():
        told.append(await ask(client, register, content))
        await register.pool.execute("TRUNCATE participant, idempotency CASCADE")

    assert told[0] == told[1]
