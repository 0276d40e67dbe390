"""The fixtures every test may ask for; `tests/harness/` is what they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.harness.broker import Broker
from tests.harness.databases import Databases, TestServer
from tests.harness.topics import Topics

# A broker that is never broken keeps Kafka's own patience: a busy machine must not fence it.
PATIENT_MS = 9_000
QUICK_MS = 2_000


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The session's broker; not to be broken."""
    yield from _broker(tmp_path_factory.mktemp("kafka"), PATIENT_MS)


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Broker]:
    """A broker of this test's own, to pause, kill and restart."""
    yield from _broker(tmp_path, QUICK_MS)


def _broker(folder: Path, session_timeout_ms: int) -> Iterator[Broker]:
    broker = Broker(folder, session_timeout_ms=session_timeout_ms)
    try:
        broker.wait_ready()
        yield broker
    finally:
        broker.close()


@pytest.fixture
async def topics(request: pytest.FixtureRequest) -> Topics:
    """All topics under a fresh prefix, on the test's `own_kafka` if it has one, else on `kafka`."""
    name = "own_kafka" if "own_kafka" in request.fixturenames else "kafka"
    broker: Broker = request.getfixturevalue(name)
    topics = Topics(broker.bootstrap_servers, f"t{uuid4().hex[:8]}-")
    await topics.create()
    return topics


@pytest.fixture(scope="session")
def _postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    server = TestServer(tmp_path_factory.mktemp("postgres"))
    yield server
    server.close()


@pytest.fixture
def database(_postgres: TestServer) -> Iterator[Databases]:
    """A fresh database with every service's tables."""
    databases = _postgres.clone()
    yield databases
    _postgres.drop(databases)
