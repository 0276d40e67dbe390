"""Fixtures for tests of the notifier with a real broker, database, mail server and webhook."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.support.notifier.cut_writer import CutWriter, cut_writer
from tests.support.notifier.processes import Notifiers, notifiers
from tests.support.notifier.receivers import Mailbox, Receiver, mail_server, webhook_receiver
from tests.support.postgres_server import Databases
from tests.support.topic_prefixes import Topics


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """A mail server."""
    async with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A webhook."""
    async with webhook_receiver() as receiver:
        yield receiver


@pytest.fixture
async def cuts(topics: Topics) -> AsyncIterator[CutWriter]:
    """A writer of cuts to this test's topic."""
    async with cut_writer(topics) as writer:
        yield writer


@pytest.fixture
async def connection(database: Databases) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection to the notifier's schema."""
    connection = await asyncpg.connect(**database.notifier.asyncpg_options())
    yield connection
    await connection.close()


@pytest.fixture
def notifier(
    tmp_path: Path, topics: Topics, database: Databases, mailbox: Mailbox, receiver: Receiver
) -> Iterator[Notifiers]:
    """Starts notifier processes over this test's topics, database and receivers."""
    yield from notifiers(
        tmp_path,
        {**topics.environment(), **database.notifier_service.environment("notifier")},
        mailbox,
        receiver,
    )
