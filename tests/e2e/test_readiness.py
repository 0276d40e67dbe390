"""Every process waits for PostgreSQL and Kafka, and reports what docs/deployment.md says about its health."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.broker import Broker
from tests.support.deadlines import until
from tests.support.postgres_server import TestServer
from tests.support.register_with_keys import commission
from tests.support.registration_load import RegistrationClients
from tests.support.stack import Stack, stack_config
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.e2e

LEADERS = ("relay", "audit", "publisher")
ON_POSTGRESQL = ("api", "notifier", *LEADERS, "worker")
ON_KAFKA = ("notifier", "board", *LEADERS, "worker")
ALL = ("api", "notifier", "board", *LEADERS, "worker")
WITHOUT_POSTGRESQL = {"api": True, "notifier": True, "worker": False} | dict.fromkeys(LEADERS, False)
WITHOUT_KAFKA = {"notifier": True, "board": True, "worker": False} | dict.fromkeys(LEADERS, False)
OUTAGE_S = 75.0
"""Longer than every limit on failures, of which the longest was 60 s."""


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    """A PostgreSQL server for one test, which the test may stop."""
    server = await asyncio.to_thread(TestServer)
    yield server
    server.close()


@pytest.fixture
async def own_stack(
    server: TestServer, own_kafka: Broker, topics: Topics, tmp_path: Path
) -> AsyncIterator[Stack]:
    commissioned = await asyncio.to_thread(commission, server, tmp_path)
    databases = server.clone(commissioned.template)
    config = stack_config(
        tmp_path / "stack", databases.addresses(), topics.environment(), commissioned.secrets
    )
    stack = Stack(replace(config, keys=commissioned.keys))
    try:
        yield stack
        unexpected = stack.unexpected_ends()
        assert not unexpected, "\n".join(unexpected)
    finally:
        await stack.close()


async def ready(stack: Stack, name: str) -> tuple[bool, dict[str, Any]]:
    """Return whether the process is ready, and the answer of its probe. AssertionError if it serves none."""
    try:
        async with aiohttp.ClientSession() as http, http.get(f"{stack.url(name)}/health/ready") as answer:
            return answer.status == 200, await answer.json()
    except aiohttp.ClientError as error:
        raise AssertionError(f"{name} serves no health") from error


async def live(stack: Stack, name: str) -> bool:
    async with aiohttp.ClientSession() as http, http.get(f"{stack.url(name)}/health/live") as answer:
        return answer.status == 200


async def report(stack: Stack, expected: dict[str, bool], degraded: str) -> bool:
    """Check that the processes report this readiness, and name the system that they cannot reach."""
    for name, is_ready in expected.items():
        found, answer = await ready(stack, name)
        assert (found, answer["degraded"]) == (is_ready, [degraded]), (name, answer)
    return True


async def all_ready(stack: Stack, *names: str) -> bool:
    for name in names:
        found, answer = await ready(stack, name)
        assert found, (name, answer)
        assert not answer["degraded"], (name, answer)
    return True


async def serve_health(stack: Stack, *names: str) -> bool:
    for name in names:
        found, answer = await ready(stack, name)
        assert not found, name
        assert "started" in answer["missing"], (name, answer)
        assert await live(stack, name), name
    return True


async def start_and_count(stack: Stack) -> None:
    """Start all processes, and register people until each process has a cut."""
    await stack.start("mailbox", *(name for name in ALL if name not in ("board", "notifier")))
    await stack.start("board", "notifier", wait=False)
    async with RegistrationClients([stack.url("api")], stack.keys["booth"]) as clients:
        await until(lambda: len(clients.accepted) > 20, 60)
    await until(lambda: all_ready(stack, *ALL), 60)


async def test_processes_serve_health_and_end_at_sigterm_while_they_wait_for_postgresql(
    server: TestServer, own_stack: Stack
) -> None:
    server.crash()

    await own_stack.start("mailbox", *ON_POSTGRESQL, wait=False)
    await until(lambda: serve_health(own_stack, *ON_POSTGRESQL), 60)
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{own_stack.url('api')}/v1/participants", json={}) as answer,
    ):
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    codes = [await own_stack.terminate(name) for name in ON_POSTGRESQL]
    await own_stack.start(*ON_POSTGRESQL, wait=False)
    await until(lambda: serve_health(own_stack, *ON_POSTGRESQL), 60)
    server.restart()

    assert codes == [0] * len(ON_POSTGRESQL)
    await until(lambda: all_ready(own_stack, "api", *LEADERS), 60)


@pytest.mark.long
async def test_while_postgresql_is_away_only_a_worker_ends_and_all_recover(
    server: TestServer, own_stack: Stack
) -> None:
    await start_and_count(own_stack)
    own_stack.keep_running("worker")

    server.crash()
    others = {name: is_ready for name, is_ready in WITHOUT_POSTGRESQL.items() if name != "worker"}
    await until(lambda: report(own_stack, WITHOUT_POSTGRESQL, "postgresql"), 60)
    await asyncio.sleep(OUTAGE_S)
    await report(own_stack, others, "postgresql")
    lives = [await live(own_stack, name) for name in others]
    server.restart()

    assert all(lives)
    await until(lambda: all_ready(own_stack, *ALL), 60)
    assert own_stack.unexpected_ends() == []


async def test_while_commits_do_not_return_the_api_is_ready_and_says_so(
    server: TestServer, own_stack: Stack
) -> None:
    await own_stack.start("api")
    server.require_a_standby("missing")

    async with RegistrationClients([own_stack.url("api")], own_stack.keys["booth"]) as clients:
        await until(lambda: report(own_stack, {"api": True}, "commits"), 60)
        server.require_a_standby("")
        await until(lambda: len(clients.accepted) > 20, 60)

    await until(lambda: all_ready(own_stack, "api"), 60)


async def test_while_kafka_is_away_leaders_and_workers_are_not_ready(
    own_kafka: Broker, own_stack: Stack
) -> None:
    await start_and_count(own_stack)

    own_kafka.pause()
    await until(lambda: report(own_stack, WITHOUT_KAFKA, "kafka"), 60)
    api, _ = await ready(own_stack, "api")
    lives = [await live(own_stack, name) for name in ON_KAFKA]
    own_kafka.resume()

    assert api
    assert all(lives)
    await until(lambda: all_ready(own_stack, *ALL), 60)
