"""`POST /v1/participants` gives the answers recorded in `golden_answers/`: status, headers and body.

Each test writes the answers that it got into its temporary directory. If a difference is intended, copy that
file over the recording.
"""

from __future__ import annotations

import asyncio
import http.client
import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from registration import metrics
from registration.auth.callers import Role
from registration.cli.api_keys import create_key, revoke_key
from tests.integration.registration.api.golden_requests import (
    BODY_BYTES_MAX,
    ENGLISH,
    REQUESTS,
    Requests,
    Sent,
    keyed,
    post,
)
from tests.support.postgres_server import Databases
from tests.support.registration.served_api import HOST, ServedApi, body, listening, serve_api

pytestmark = pytest.mark.integration

GOLDEN: Final = Path(__file__).parent / "golden_answers"
VARYING: Final = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r'(?<="recorded_at":")[^"]+'), "<time>"),
    (re.compile(r"(?<=retry-after: )[0-9]{2,}"), "<seconds>"),
    (re.compile(r"(?<=Coba lagi dalam )[^.]+|(?<=Try again in )[^.]+"), "<wait>"),
    (re.compile(rf"(?<={HOST}:)[0-9]+"), "<port>"),
)
"""The parts of answers that differ in each run, and the texts that replace them."""


def send(port: int, sent: Sent, keys: Mapping[str, str]) -> str:
    """Send a request over a connection of its own; return the answer."""
    headers = {"Content-Type": "application/json"} | sent.headers
    if not headers["Content-Type"]:
        del headers["Content-Type"]
    if sent.role is not None:
        headers = {"Authorization": f"Bearer {keys[sent.role]}"} | headers
    if sent.chunks is None:
        headers["Content-Length"] = str(len(sent.content))
    else:
        headers["Transfer-Encoding"] = "chunked"
    with closing(http.client.HTTPConnection(HOST, port, timeout=30)) as connection:
        connection.request(
            sent.method,
            sent.path,
            sent.chunks or sent.content,
            headers,
            encode_chunked=sent.chunks is not None,
        )
        answer = connection.getresponse()
        lines = [f"{answer.status} {answer.reason}"]
        lines += [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() != "date"]
        return "\n".join([*lines, "", answer.read().decode()]).rstrip("\n")


def _masked(text: str) -> str:
    for pattern, replacement in VARYING:
        text = pattern.sub(replacement, text)
    return text


async def answers_to(register: ServedApi, requests: Mapping[str, Requests]) -> str:
    """Send the requests of each case; return the answers and the metrics that they changed as text."""
    counted = _counters()
    blocks = []
    async with listening(register) as port:
        for n, (name, case) in enumerate(requests.items()):
            blocks.append(f"=== {name}")
            participant_id = ""
            for sent in case(n):
                path = sent.path.replace("<id>", participant_id)
                text = await asyncio.to_thread(send, port, sent._replace(path=path), register.keys)
                participant_id = "".join(re.findall(r"/([0-9a-f-]{36})", text))
                blocks.append(f"--- {sent.method} {sent.path}\n{_masked(text)}")
    blocks.append("=== counters")
    counted = {name: value - counted.get(name, 0.0) for name, value in _counters().items()}
    blocks += [f"{name}: {value:g}" for name, value in sorted(counted.items()) if value]
    return "\n".join(blocks) + "\n"


def _counters() -> dict[str, float]:
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for metric in (metrics.OPERATIONS, metrics.LIMITED, metrics.OVERLOADED)
        for family in metric.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def check(answers: str, name: str, tmp_path: Path) -> None:
    """Compare answers with their recording."""
    got = tmp_path / f"{name}.txt"
    got.write_text(answers, encoding="utf-8")
    assert answers == (GOLDEN / got.name).read_text(encoding="utf-8"), f"see {got}"


async def test_each_request_gets_its_recorded_answer(database: Databases, tmp_path: Path) -> None:
    async with serve_api(database.registration, body_bytes_max=BODY_BYTES_MAX) as register:
        revoked = await create_key(register.pool, Role.BOOTH, "revoked")
        await revoke_key(register.pool, revoked.split("_")[1])
        register.keys = {**register.keys, "revoked": revoked}

        answers = await answers_to(register, REQUESTS)

        answers += f"participants: {await register.pool.fetchval('SELECT count(*) FROM participant')}\n"
    check(answers, "answers", tmp_path)


async def test_limits_of_the_public_give_the_recorded_answers(database: Databases, tmp_path: Path) -> None:
    limits: dict[str, Any] = {
        "public_per_address_per_minute": 6,
        "public_mistakes_per_minute": 1,
        "public_per_nik_per_hour": 2,
    }
    requests: dict[str, Requests] = {
        "the limit of a NIK": lambda n: [keyed(body(1), number, None) for number in range(3)],
        "another NIK": lambda n: [post(body(2), None)],
        "a first mistake is free": lambda n: [post({}, None)],
        "further invalid requests use up the limit of the address": lambda n: [
            post(b"{", None),
            post({}, None),
        ],
        "a valid request at the limit of the address": lambda n: [post(body(3), None)],
        "invalid requests at the limit of the address": lambda n: [
            post(b"{", None, ENGLISH),
            keyed(body(3), "two words", None),
            post(b" " * BODY_BYTES_MAX + b" ", None),
        ],
        "an API key at the limit of the address": lambda n: [post(body(3)), post(b"{")],
    }
    async with serve_api(database.registration, body_bytes_max=BODY_BYTES_MAX, **limits) as register:
        answers = await answers_to(register, requests)

    check(answers, "public_limits", tmp_path)


async def test_overload_gives_the_recorded_answers(database: Databases, tmp_path: Path) -> None:
    requests: dict[str, Requests] = {
        "valid": lambda n: [post(body(1)), post(body(1), None, ENGLISH)],
        "invalid": lambda n: [post(b"{")],
    }
    async with serve_api(database.registration) as register:
        register.components.group_commit.stop()
        answers = await answers_to(register, requests)

    check(answers, "overload", tmp_path)


async def test_an_outage_of_the_database_gives_the_recorded_answers(
    register: ServedApi, tmp_path: Path
) -> None:
    requests: dict[str, Requests] = {
        "an API key that must be looked up": lambda n: [post(body(1)), post(b"{", "officer", ENGLISH)],
        "a campaign that must be looked up": lambda n: [post(body(1, campaign="none"), None)],
    }
    register.pool.terminate()

    answers = await answers_to(register, requests)

    check(answers, "outage", tmp_path)


async def test_an_unexpected_error_gives_the_recorded_answers(register: ServedApi, tmp_path: Path) -> None:
    await register.pool.execute("ALTER TABLE idempotency RENAME TO missing")

    answers = await answers_to(register, {"valid": lambda n: [post(body(1)), post(body(1), None, ENGLISH)]})

    check(answers, "unexpected_error", tmp_path)
