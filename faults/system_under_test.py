"""The running system of a campaign: stores, two processes of each service, and the ways in between."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from uuid import uuid4

from deploy.topics import create_topics, read_topics
from faults.api_proxy import Gate, gate
from faults.webhook_receiver import Receiver, receiving
from settings.contract_files import contract_path
from simulator.clients.access_keys import Keys
from tests.support.broker_cluster import Cluster
from tests.support.commit_proxy import Proxy, proxied
from tests.support.databases import Databases, TestServer
from tests.support.register_template import commission
from tests.support.small_filesystem import Disk, mountable
from tests.support.stack import Stack, surroundings
from tests.support.topics import Topics

RULES: Final = Path(__file__).with_name("rules.yaml")
PAIRED: Final = ("api", "relay", "worker", "publisher", "board")
"""Services that run twice: two writers, a leader and one who waits, two who share, two who show."""
PROCESSES: Final = (
    "api",
    "api-2",
    "relay",
    "relay-2",
    "audit",
    "worker",
    "worker-2",
    "publisher",
    "publisher-2",
)
VIEWED: Final = ("notifier", "board", "board-2")
BROKER_SESSION_MS: Final = 3_000
DISK_MB: Final = 20_000
READY_S_MAX: Final = 120.0
"""Fifteen processes begin at once on two cores that may have other work."""


@dataclass
class World:
    """Everything a fault may break."""

    folder: Path
    server: TestServer
    databases: Databases
    cluster: Cluster
    topics: Topics
    stack: Stack
    gate: Gate
    wire: Proxy
    """Between `api-2` and PostgreSQL."""
    wired_url: str
    """The register's database, through `wire`."""
    receiver: Receiver
    names: tuple[str, ...] = PROCESSES + VIEWED
    disk: Disk | None = None
    """PostgreSQL's own filesystem; none where this machine lets nobody mount one."""
    forgotten: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Per partition, the sequences whose records were taken from the topic."""

    @property
    def keys(self) -> Keys:
        """The API keys."""
        return Keys(**self.stack.keys)

    @property
    def url(self) -> str:
        """Where people register."""
        return f"http://127.0.0.1:{self.gate.port}"

    def settings(self, name: str) -> Mapping[str, str]:
        """What a process is given on top of the stack's settings."""
        if name == "notifier":
            return {
                "NOTIFIER_RULES_FILE": str(RULES),
                "NOTIFIER_RETRY_DELAY_S": "0.5",
                "NOTIFIER_RETRY_DELAY_S_MAX": "4",
                "NOTIFIER_ATTEMPTS_MAX": "60",
                "NOTIFIER_WEBHOOK_TIMEOUT_S": "3",
                "NOTIFIER_WEBHOOK_ALLOWED_NETWORKS": json.dumps(["127.0.0.1/32"]),
            }
        if name == "api-2":
            return {"REGISTRATION_DATABASE_URL": self.wired_url}
        return {}


@asynccontextmanager
async def open_world(folder: Path, brokers: int, planted: Mapping[str, str]) -> AsyncIterator[World]:
    """Start everything and keep it running; `planted` names the bug some processes are to have."""
    folder.mkdir(parents=True)
    async with AsyncExitStack() as opened:
        disk = await asyncio.to_thread(_disk, folder)
        if disk is not None:
            opened.callback(disk.close)
        server = await asyncio.to_thread(TestServer, disk.folder if disk else None)
        opened.callback(server.close)
        commissioned = await asyncio.to_thread(commission, server, folder)
        databases = await asyncio.to_thread(server.clone, commissioned.template)
        cluster = Cluster(folder, brokers, session_timeout_ms=BROKER_SESSION_MS)
        opened.callback(cluster.close)
        await cluster.ready()
        topics = Topics(cluster.bootstrap_servers, f"f{uuid4().hex[:6]}-")
        await create_topics(topics.settings(), read_topics(contract_path("topics.yaml")), replication=brokers)
        place = surroundings(folder / "stack", databases.urls(), topics.environment(), commissioned.secrets)
        stack = Stack(replace(place, keys=commissioned.keys))
        opened.push_async_callback(stack.close)
        way = await opened.enter_async_context(gate([stack.port("api"), stack.port("api-2")]))
        wire, wired_url = await opened.enter_async_context(proxied(databases.registration))
        receiver = await opened.enter_async_context(
            receiving(
                folder / "stack" / "webhooks", commissioned.secrets["webhook_secret"], stack.port("receiver")
            )
        )
        world = World(folder, server, databases, cluster, topics, stack, way, wire, wired_url, receiver)
        world.disk = disk
        await _start(world, planted)
        yield world


def _disk(folder: Path) -> Disk | None:
    return Disk(folder / "disk", DISK_MB) if mountable() else None


async def _start(world: World, planted: Mapping[str, str]) -> None:
    for name, bug in planted.items():
        world.stack.launch_by(name, "faults.planted", bug)
    await world.stack.start("mailbox")
    await asyncio.gather(
        *(world.stack.start(name, env=world.settings(name), deadline_s=READY_S_MAX) for name in world.names)
    )
    world.stack.keep_running("mailbox", *world.names)
