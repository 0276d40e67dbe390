"""Fixtures of the aggregator's integration tests: processes, a producer of events, and a connection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.support.aggregator.event_producer import EventProducer, event_producer
from tests.support.aggregator.processes import Processes, processes
from tests.support.postgres_server import Databases
from tests.support.topic_prefixes import Topics


@pytest.fixture
def aggregator(tmp_path: Path, topics: Topics, database: Databases) -> Iterator[Processes]:
    """Starts aggregator processes on this test's topics and database."""
    environment = {
        **topics.environment(),
        **database.aggregator_service.environment("aggregator"),
        "AGGREGATOR_SESSION_TIMEOUT_S": "3",  # halves the time of a take-over
    }
    yield from processes(tmp_path, environment)


@pytest.fixture
async def producer(topics: Topics) -> AsyncIterator[EventProducer]:
    """Sends events to this test's topic."""
    async with event_producer(topics) as producer:
        yield producer


@pytest.fixture
async def counts(database: Databases) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection to the aggregator's schema."""
    connection = await asyncpg.connect(**database.aggregator.asyncpg_options())
    yield connection
    await connection.close()
