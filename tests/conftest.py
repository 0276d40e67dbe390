"""The fixtures of all tests: broker, topics, database and process stack. `tests/support/` implements them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.broker import Broker
from tests.support.postgres_server import Databases, TestServer
from tests.support.register_with_keys import Commissioned, commission
from tests.support.stack import Stack, stack_config
from tests.support.topic_prefixes import Topics

pytest_plugins = ["tests.support.required_programs"]

# Kafka's default session timeout for the shared broker, so that it is not fenced on a busy machine.
DEFAULT_SESSION_MS = 9_000
SHORT_SESSION_MS = 3_000


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The broker that all tests of a session share. A test must not stop or damage it."""
    yield from _broker(tmp_path_factory.mktemp("kafka"), DEFAULT_SESSION_MS)


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Broker]:
    """A broker for one test, which the test may pause, kill and restart."""
    yield from _broker(tmp_path, SHORT_SESSION_MS)


def _broker(folder: Path, session_timeout_ms: int) -> Iterator[Broker]:
    broker = Broker(folder, session_timeout_ms=session_timeout_ms)
    try:
        broker.wait_ready()
        yield broker
    finally:
        broker.close()


@pytest.fixture
async def topics(request: pytest.FixtureRequest) -> Topics:
    """All topics under a new prefix, on `own_kafka` if the test uses that fixture, else on `kafka`."""
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
def own_postgres() -> Iterator[TestServer]:
    """A server for one test, which the test may stop, restore from a backup, or replace by a standby."""
    server = TestServer()
    yield server
    server.close()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """A new database with the tables of all services, and for tests with `stack` also API keys and scopes.

    It is on `own_postgres` if the test uses that fixture.
    """
    if "own_postgres" in request.fixturenames:
        own: TestServer = request.getfixturevalue("own_postgres")
        yield own.clone()
        return
    server: TestServer = request.getfixturevalue("_postgres")
    if "stack" in request.fixturenames:
        commissioned: Commissioned = request.getfixturevalue("_commissioned")
        databases = server.clone(commissioned.template)
    else:
        databases = server.clone()
    yield databases
    server.drop(databases)


@pytest.fixture
def missing_standby(_postgres: TestServer, database: Databases) -> Iterator[TestServer]:
    """The server of `database`, on which each COMMIT waits for a standby that does not exist."""
    try:
        _postgres.require_a_standby("missing")
        _postgres.wait_until_commits_wait()
        yield _postgres
    finally:
        _postgres.require_a_standby("")


@pytest.fixture(scope="session")
def _commissioned(_postgres: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Commissioned:
    return commission(_postgres, tmp_path_factory.mktemp("commissioned"))


@pytest.fixture
async def stack(
    _commissioned: Commissioned, topics: Topics, database: Databases, tmp_path: Path
) -> AsyncIterator[Stack]:
    """The real processes of all services. A test starts the processes it needs; they end with the test."""
    process_environment = stack_config(
        tmp_path / "stack", database.addresses(), topics.environment(), _commissioned.secrets
    )
    stack = Stack(replace(process_environment, keys=_commissioned.keys))
    try:
        yield stack
        unexpected = stack.unexpected_ends()
        assert not unexpected, "\n".join(unexpected)
    finally:
        await stack.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the logs of a failed test's processes to its report."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and isinstance(stack, Stack):
        report.sections.extend((f"log of {name}", text) for name, text in stack.logs().items())
    return report
