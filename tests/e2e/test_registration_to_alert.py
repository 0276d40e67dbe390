"""A registration reaches the board's stream, and a milestone reaches mail and webhook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.board_count_checker import BoardObserver
from tests.support.deadlines import until
from tests.support.failpoint_names import NOTIFIER
from tests.support.postgres_server import Databases
from tests.support.registration_load import RegistrationClients
from tests.support.stack import Stack

pytestmark = pytest.mark.e2e

RULES = """
rules:
  - id: fifty
    title: {id: Setiap lima puluh peserta, en: Every fifty participants}
    regions: ["31"]
    every: 50
officials:
  - id: governor
    role: {id: Gubernur, en: Governor}
    address: gubernur@example.org
    language: id
    regions: ["31"]
webhooks:
  - id: control-room
    within: ["31"]
"""
PROCESSES = ("api", "relay", "audit", "worker", "publisher", "board")


async def test_one_registration_reaches_the_stream(running_stack: Stack, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{running_stack.url('board')}/v1/stream?scope=all") as stream:
        body = {
            "name": "Peserta Contoh",
            "nik": "3199014101900000",
            "region": "31.71.01.1001",
            "consent": "2026-01",
        }
        keys = {"Authorization": f"Bearer {running_stack.keys['booth']}", "Idempotency-Key": "one"}
        async with http.post(
            f"{running_stack.url('api')}/v1/participants", json=body, headers=keys
        ) as response:
            assert response.status == 201
            assert (await response.json())["revision"] == 1

        counts = await _first_counts(stream)

    assert counts == {"31": 1, "31.71": 1, "31.71.01": 1, "31.71.01.1001": 1}


async def _first_counts(stream: aiohttp.ClientResponse) -> dict[str, int]:
    async for line in stream.content:
        if line.startswith(b"data: "):
            rows = json.loads(line[6:]).get("rows", [])
            counts = {row["region"]: row["counts"].get("registered", 0) for row in rows}
            if any(counts.values()):
                return {region: count for region, count in counts.items() if count}
    raise AssertionError("the stream ended")


@pytest.mark.long
async def test_each_recipient_is_alerted_once_when_the_notifier_dies_at_every_failpoint(
    stack: Stack, database: Databases, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    settings = {"NOTIFIER_RULES_FILE": str(rules), "NOTIFIER_MAIL_TIMEOUT_S": "2"}
    await stack.start(*PROCESSES, "mailbox", "receiver")

    async with BoardObserver(stack, database) as observer:
        async with RegistrationClients([stack.url("api")], stack.keys["booth"]) as clients:
            for point in NOTIFIER:
                await stack.start("notifier", env={**settings, "NOTIFIER_CRASH_AT": point})
                assert await stack.ended("notifier", deadline_s=60) == -9
            await stack.start("notifier", env=settings)
        await observer.wait_for_exactly(clients.accepted)
    thresholds = set(range(50, len(clients.accepted) + 1, 50))
    await until(lambda: _webhooks(stack).keys() >= thresholds, deadline_s=60, every_s=0.5)
    await until(lambda: _mailed(stack) >= thresholds, deadline_s=60, every_s=0.5)

    assert {threshold: len(ids) for threshold, ids in _webhooks(stack).items()} == dict.fromkeys(
        thresholds, 1
    )
    assert _mailed(stack) == thresholds


def _webhooks(stack: Stack) -> dict[int, set[str]]:
    """Return the alert ids of the stored calls, by threshold. A repeated call has the same alert id."""
    ids: dict[int, set[str]] = {}
    for file in (stack.folder / "webhooks").glob("*.jsonl"):
        for line in file.read_text().splitlines():
            call: dict[str, Any] = json.loads(line)
            assert call["verified"], call
            body = call["body"] if isinstance(call["body"], dict) else json.loads(call["body"])
            ids.setdefault(body["data"]["threshold"], set()).add(call["webhook_id"])
    return ids


def _mailed(stack: Stack) -> set[int]:
    """Return the thresholds that the received mail contains. In mail, 1,000 is written as 1.000."""
    from email import message_from_bytes, policy

    ids: set[int] = set()
    for file in (stack.folder / "mail").glob("*.eml"):
        message = message_from_bytes(file.read_bytes(), policy=policy.default)
        text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # every mail has a text part
        ids |= {n for n in range(50, 20_000, 50) if f"{n:,}".replace(",", ".") in text.split()}
    return ids
