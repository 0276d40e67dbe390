"""A registration becomes a count on a screen and an alert in an inbox."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.databases import Databases
from tests.support.deadlines import until
from tests.support.failpoint_names import NOTIFIER
from tests.support.board_observer import Witness
from tests.support.registration_load import Crowd
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
COUNTING = ("api", "relay", "audit", "worker", "publisher", "board")


async def test_one_registration_reaches_the_stream_within_a_second_or_two(
    counting: Stack, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{counting.url('board')}/v1/stream?scope=all") as stream:
        body = {
            "name": "Peserta Contoh",
            "nik": "3199014101900000",
            "region": "31.71.01.1001",
            "consent": "2026-01",
        }
        keys = {"Authorization": f"Bearer {counting.keys['booth']}", "Idempotency-Key": "one"}
        async with http.post(f"{counting.url('api')}/v1/participants", json=body, headers=keys) as answer:
            assert answer.status == 201
            assert (await answer.json())["revision"] == 1

        seen = await _first_with_a_count(stream)

    assert seen == {"31": 1, "31.71": 1, "31.71.01": 1, "31.71.01.1001": 1}


async def _first_with_a_count(stream: aiohttp.ClientResponse) -> dict[str, int]:
    async for line in stream.content:
        if line.startswith(b"data: "):
            rows = json.loads(line[6:]).get("rows", [])
            counts = {row["region"]: row["counts"].get("registered", 0) for row in rows}
            if any(counts.values()):
                return {region: count for region, count in counts.items() if count}
    raise AssertionError("the stream ended")


@pytest.mark.timeout(240)
async def test_each_milestone_is_told_once_to_each_though_the_notifier_dies_at_every_point(
    stack: Stack, database: Databases, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    settings = {"NOTIFIER_RULES_FILE": str(rules)}
    await stack.start(*COUNTING, "mailbox", "receiver")

    async with Witness(stack, database) as witness:
        async with Crowd([stack.url("api")], stack.keys["booth"]) as crowd:
            for point in NOTIFIER:
                await stack.start("notifier", env={**settings, "NOTIFIER_CRASH_AT": point})
                assert await stack.ended("notifier", deadline_s=60) == -9
            await stack.start("notifier", env=settings)
        await witness.sees_exactly(crowd.accepted)
    thresholds = set(range(50, len(crowd.accepted) + 1, 50))
    await until(lambda: _webhooks(stack).keys() >= thresholds, deadline_s=60, every_s=0.5)
    await until(lambda: _mailed(stack) >= thresholds, deadline_s=60, every_s=0.5)

    assert {threshold: len(ids) for threshold, ids in _webhooks(stack).items()} == dict.fromkeys(
        thresholds, 1
    )
    assert _mailed(stack) == thresholds


def _webhooks(stack: Stack) -> dict[int, set[str]]:
    """Distinct alert ids by threshold, as the receiver wrote them down; a repeated call has the same id."""
    told: dict[int, set[str]] = {}
    for file in (stack.folder / "webhooks").glob("*.jsonl"):
        for line in file.read_text().splitlines():
            call: dict[str, Any] = json.loads(line)
            assert call["verified"], call
            body = call["body"] if isinstance(call["body"], dict) else json.loads(call["body"])
            told.setdefault(body["data"]["threshold"], set()).add(call["webhook_id"])
    return told


def _mailed(stack: Stack) -> set[int]:
    """Thresholds that some mail names, in Indonesian figures."""
    from email import message_from_bytes, policy

    told: set[int] = set()
    for file in (stack.folder / "mail").glob("*.eml"):
        message = message_from_bytes(file.read_bytes(), policy=policy.default)
        text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]  # every mail has a text
        told |= {n for n in range(50, 20_000, 50) if f"{n:,}".replace(",", ".") in text.split()}
    return told
