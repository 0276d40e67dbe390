"""A real broker and a real database of a measurement's own, on free ports, syncing to disk."""

from __future__ import annotations

import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from database.migrations import migrate
from deploy.local import kafka, postgres
from deploy.local.ports import free_ports
from deploy.topics import create_topics, read_topics
from settings.contract_files import contract_path
from settings.kafka import KafkaSettings

PASSWORD: Final = "bench"


@dataclass(frozen=True)
class Servers:
    """Where they listen, and their process ids for the meter."""

    folder: Path
    """For logs and whatever else a contender writes; gone with the servers."""
    bootstrap_servers: str
    postgres: postgres.Server
    pids: dict[str, int]

    def kafka(self, prefix: str = "") -> KafkaSettings:
        """What the services' clients take; topics under a prefix never meet others'."""
        return KafkaSettings(bootstrap_servers=self.bootstrap_servers, topic_prefix=prefix)

    async def topics(self, prefix: str = "") -> KafkaSettings:
        """Create the contract's topics under a prefix."""
        settings = self.kafka(prefix)
        await create_topics(settings, read_topics(contract_path("topics.yaml")))
        return settings

    def database(self, name: str, *services: str) -> dict[str, str]:
        """A database with these services' tables; the URLs by role, `postgres` the superuser's."""
        self.postgres.create_database(name, dict.fromkeys(postgres.SERVICES, PASSWORD))
        urls = {role: self.postgres.url(name, role, PASSWORD) for role in postgres.SERVICES}
        for service in services:
            migrate(service, urls[service])
        return {**urls, "postgres": self.postgres.url(name)}


@asynccontextmanager
async def running(settings: tuple[tuple[str, str], ...] = ()) -> AsyncIterator[Servers]:
    """Start both, yield where they are, and remove all trace of them."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL may run as another user
        port, controller_port, postgres_port = free_ports(3)
        broker = kafka.Broker(folder / "kafka", port, controller_port)
        broker.prepare()
        server = postgres.Server(folder / "postgres", postgres_port, PASSWORD, settings)
        server.prepare()
        with (folder / "kafka.log").open("wb") as log:
            broker_process = subprocess.Popen(broker.command(), stdout=log, stderr=log)
        server_process = server.start(folder / "postgres.log")
        try:
            await broker.wait_ready()
            server.wait_ready(60)
            pids = {"Kafka": broker_process.pid, "PostgreSQL": server_process.pid}
            yield Servers(folder, broker.bootstrap_servers, server, pids)
        finally:
            server_process.send_signal(signal.SIGINT)  # does not wait for clients
            broker_process.kill()
            server_process.wait(30)
            broker_process.wait(30)
            postgres.remove(server.folder)
