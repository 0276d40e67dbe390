"""Starts a real broker, a migrated database and the processes of all services on free ports.

This is the only module of the package that imports the test harness.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from checks.surface.topic_reader import TopicReader
from database.address import DatabaseAddress
from deploy.local.one_shot_commands import CommandError
from tests.support.broker import Broker
from tests.support.deadlines import until
from tests.support.postgres_server import TestServer
from tests.support.register_with_keys import commission
from tests.support.stack import Stack, stack_config
from tests.support.topic_prefixes import Topics

__all__ = ["System", "SystemStartError", "running", "until"]

SESSION_TIMEOUT_MS = 9_000
PROCESSES = ("api", "relay", "audit", "worker", "publisher", "notifier", "board")
READY_S_MAX = 120.0
SETTINGS = {
    "REGISTRATION_AUDIT_EVERY_S": "0.5",
    "REGISTRATION_AUDIT_PAUSE_FACTOR": "1",
    "REGISTRATION_WAITED_S_MAX": "60",  # with the default, the API of a busy machine may answer 503
}


@dataclass(frozen=True)
class System:
    """The processes, the topics' records, Kafka's address, and the database as the superuser."""

    stack: Stack
    topics: TopicReader
    bootstrap_servers: str
    database: DatabaseAddress


class SystemStartError(RuntimeError):
    """The system did not start or reach an expected state; the message contains the reason and all logs."""


@asynccontextmanager
async def running(rules: str) -> AsyncIterator[System]:
    """Start all processes with the milestone rules `rules`; stop them at the end of the block."""
    async with AsyncExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="jakpreneur-surface-")))
        broker = Broker(folder, session_timeout_ms=SESSION_TIMEOUT_MS)
        ends.callback(broker.close)
        server = TestServer()
        ends.callback(server.close)
        await broker.ready()
        topics = Topics(broker.bootstrap_servers, prefix="")
        await topics.create()
        commissioned = commission(server, folder)
        databases = server.clone(commissioned.template)
        stack_surroundings = stack_config(
            folder / "stack", databases.addresses(), topics.environment(), commissioned.secrets
        )
        (folder / "rules.yaml").write_text(rules)
        stack = Stack(replace(stack_surroundings, keys=commissioned.keys))
        ends.push_async_callback(stack.close)
        settings = {**SETTINGS, "NOTIFIER_RULES_FILE": str(folder / "rules.yaml")}
        try:
            await stack.start(*PROCESSES, env=settings, deadline_s=READY_S_MAX)
            reader = TopicReader(broker.bootstrap_servers)
            await reader.open()
            ends.push_async_callback(reader.close)
            yield System(stack, reader, broker.bootstrap_servers, databases.admin)
            assert not stack.unexpected_ends(), stack.unexpected_ends()
        except (AssertionError, CommandError) as error:
            raise SystemStartError("\n".join([*stack.logs().values(), str(error)])) from error
