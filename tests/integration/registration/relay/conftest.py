"""Fixtures to run relay processes with a real broker and database."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.support.ports import free_ports
from tests.support.postgres_server import Databases
from tests.support.registration.register_writer import Register
from tests.support.service_process import TrackedProcess
from tests.support.topic_prefixes import Topics

StartProcess = Callable[..., TrackedProcess]


@pytest.fixture
async def pool(database: Databases) -> AsyncIterator[asyncpg.Pool[Any]]:
    """A pool of connections with the register's role."""
    pool = await asyncpg.create_pool(**database.registration.asyncpg_options(), min_size=1, max_size=4)
    yield pool
    await pool.close()


@pytest.fixture
def register(pool: asyncpg.Pool[Any]) -> Register:
    """A register in the database, to which tests write events."""
    return Register(pool)


@pytest.fixture
def start(database: Databases, topics: Topics, tmp_path: Path) -> Iterator[StartProcess]:
    """A function that starts a process: `start("relay", REGISTRATION_CRASH_AT="…")` returns the process."""
    started: list[TrackedProcess] = []

    def start(command: str, *arguments: str, **settings: str) -> TrackedProcess:
        environment = {
            **os.environ,
            **database.registration_relay.environment("registration"),
            **topics.environment(),
            f"REGISTRATION_{command.upper()}_PORT": str(free_ports(1)[0]),
            **settings,
        }
        process = TrackedProcess(
            f"{command}-{len(started)}",
            [sys.executable, "-m", "registration", command, *arguments],
            environment,
            tmp_path / f"{command}-{len(started)}.log",
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.exit_code() is None:
            process.send(signal.SIGCONT)
        process.finish()
