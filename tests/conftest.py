"""The fixtures every test may ask for; `tests/support/` is what they are made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.broker import Broker
from tests.support.databases import Databases, TestServer
from tests.support.register_template import Commissioned, commission
from tests.support.stack import Stack, surroundings
from tests.support.topics import Topics

pytest_plugins = ["tests.support.required_programs"]

# A broker that is never broken keeps Kafka's own patience: a busy machine must not fence it.
PATIENT_MS = 9_000
QUICK_MS = 3_000


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
def _postgres() -> Iterator[TestServer]:
    server = TestServer()
    yield server
    server.close()


@pytest.fixture
def database(request: pytest.FixtureRequest, _postgres: TestServer) -> Iterator[Databases]:
    """A fresh database with every service's tables; beside a `stack`, with its keys and scopes too."""
    if "stack" in request.fixturenames:
        commissioned: Commissioned = request.getfixturevalue("_commissioned")
        databases = _postgres.clone(commissioned.template)
    else:
        databases = _postgres.clone()
    yield databases
    _postgres.drop(databases)


@pytest.fixture(scope="session")
def _commissioned(_postgres: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Commissioned:
    return commission(_postgres, tmp_path_factory.mktemp("commissioned"))


@pytest.fixture
async def stack(
    _commissioned: Commissioned, topics: Topics, database: Databases, tmp_path: Path
) -> AsyncIterator[Stack]:
    """The real processes of all services: none runs until the test starts it, none is left after it."""
    place = surroundings(tmp_path / "stack", database.urls(), topics.environment(), _commissioned.secrets)
    stack = Stack(replace(place, keys=_commissioned.keys))
    try:
        yield stack
        unexpected = stack.unexpected_ends()
        assert not unexpected, "\n".join(unexpected)
    finally:
        await stack.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the logs of a failed test's processes."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and isinstance(stack, Stack):
        report.sections.extend((f"log of {name}", text) for name, text in stack.logs().items())
    return report
