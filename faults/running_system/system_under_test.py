"""The system that a campaign tests: brokers, PostgreSQL, the services' processes, and proxies."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

from database.address import DatabaseAddress
from deploy.topics import create_topics, read_topics
from faults.running_system.client_proxy import ClientProxy, open_client_proxy
from faults.running_system.faulty_mail_server import FaultyMailServer, open_mail_server
from faults.running_system.faulty_webhook_receiver import FaultyReceiver, open_receiver
from settings.contract_files import contract_path
from simulator.clients.access_keys import AccessKeys
from tests.support.broker_cluster import Cluster
from tests.support.commit_proxy import CommitProxy, open_commit_proxy
from tests.support.postgres_server import Databases, TestServer
from tests.support.register_with_keys import Commissioned, commission
from tests.support.small_filesystem import Disk, can_mount
from tests.support.stack import Stack, stack_config
from tests.support.topic_prefixes import Topics

RULES: Final = Path(__file__).with_name("milestone_rules.yaml")
PAIRED: Final = ("api", "relay", "worker", "publisher", "board")
"""Services with two processes: both work, or they share the partitions, or one leads and one is standby."""
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
READERS: Final = ("notifier", "board", "board-2")
NOTIFIERS: Final = ("notifier", "notifier-2", "notifier-3")
"""Only the first one always runs. Faults start the others."""
BROKER_SESSION_MS: Final = 3_000
DISK_MB: Final = 20_000
READY_S_MAX: Final = 120.0
"""Long, because twelve processes start at once on two cores that may be busy."""


@dataclass
class SystemUnderTest:
    """The servers, processes and proxies that a fault may break, with their addresses, secrets and files.

    Faults note here what they removed on purpose, so that the invariants allow it.
    """

    folder: Path
    server: TestServer
    databases: Databases
    cluster: Cluster
    topics: Topics
    stack: Stack
    api_proxy: ClientProxy
    board_proxies: Mapping[str, ClientProxy]
    """The proxies between the stream viewer and the boards, by board."""
    commit_proxy: CommitProxy
    """The proxy between `api-2` and PostgreSQL."""
    commit_proxy_address: DatabaseAddress
    """The address of the register's database through `commit_proxy`."""
    receiver: FaultyReceiver
    mail_server: FaultyMailServer
    long_outage_s: float
    """How long a part is away in the faults that take longest."""
    names: tuple[str, ...] = PROCESSES + READERS
    disk: Disk | None = None
    """PostgreSQL's own filesystem; None if this machine does not allow mounting one."""
    removed: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    """By partition, the sequences whose records a fault removed from the topic."""
    removed_cuts: list[bytes] = field(default_factory=list)
    """The records of region-counts that a fault removed, in their order."""
    written_before: int = 0
    """The number of records that participant-events had when a fault deleted the topic."""
    resent_max: int = 0
    """The number of events that the relay may send again, because faults removed or rewound them."""
    outsiders: int = 0
    """The number of participants whom faults registered. They are neither in the ledger nor in a file."""
    rises: int = 0
    """How often faults let a count rise to a milestone and fall again."""

    @property
    def keys(self) -> AccessKeys:
        """The access keys of the API, by role."""
        return AccessKeys(**self.stack.keys)

    @property
    def url(self) -> str:
        """The base URL of the registration API, through the proxy."""
        return f"http://127.0.0.1:{self.api_proxy.port}"

    def settings(self, name: str) -> Mapping[str, str]:
        """Return the settings that a process gets in addition to the settings of the stack."""
        if name in NOTIFIERS:
            return {
                "NOTIFIER_RULES_FILE": str(RULES),
                # Only a planted bug, which changes a table, logs in as the owner.
                "NOTIFIER_DATABASE_OWNER_PASSWORD": self.databases.notifier.password,
                "NOTIFIER_RETRY_DELAY_S": "0.5",
                "NOTIFIER_RETRY_DELAY_S_MAX": "4",
                "NOTIFIER_MAIL_TIMEOUT_S": "2",
                "NOTIFIER_WEBHOOK_TIMEOUT_S": "3",
                "NOTIFIER_WEBHOOK_ALLOWED_NETWORKS": json.dumps(["127.0.0.1/32"]),
            }
        if name == "api-2":
            return self.commit_proxy_address.environment("registration")
        return {}


class _Stores(NamedTuple):
    """The started stores: PostgreSQL with a commissioned database, and the brokers with all topics."""

    disk: Disk | None
    server: TestServer
    commissioned: Commissioned
    databases: Databases
    cluster: Cluster
    topics: Topics


@asynccontextmanager
async def start_system(
    folder: Path, brokers: int, planted: Mapping[str, str], long_outage_s: float
) -> AsyncIterator[SystemUnderTest]:
    """Start all servers and processes, and restart processes that end.

    `planted` maps process names to planted bugs.
    """
    folder.mkdir(parents=True)
    async with AsyncExitStack() as opened:
        stores = await _start_stores(opened, folder, brokers)
        databases, topics, secrets = stores.databases, stores.topics, stores.commissioned.secrets
        process_environment = stack_config(
            folder / "stack", databases.addresses(), topics.environment(), secrets
        )
        stack = Stack(replace(process_environment, keys=stores.commissioned.keys))
        opened.push_async_callback(stack.close)
        api_proxy = await opened.enter_async_context(
            open_client_proxy([stack.port("api"), stack.port("api-2")])
        )
        board_proxies = {
            board: await opened.enter_async_context(open_client_proxy([stack.port(board)]))
            for board in ("board", "board-2")
        }
        commit_proxy, commit_proxy_address = await opened.enter_async_context(
            open_commit_proxy(databases.registration_api)
        )
        receiver = await opened.enter_async_context(
            open_receiver(folder / "stack" / "webhooks", secrets["webhook_secret"], stack.port("receiver"))
        )
        mail_server = await opened.enter_async_context(
            open_mail_server(folder / "stack" / "mail", stack.port("smtp"))
        )
        system = SystemUnderTest(
            folder=folder,
            server=stores.server,
            databases=databases,
            cluster=stores.cluster,
            topics=topics,
            stack=stack,
            api_proxy=api_proxy,
            board_proxies=board_proxies,
            commit_proxy=commit_proxy,
            commit_proxy_address=commit_proxy_address,
            receiver=receiver,
            mail_server=mail_server,
            long_outage_s=long_outage_s,
            disk=stores.disk,
        )
        await _start_processes(system, planted)
        yield system


async def _start_stores(opened: AsyncExitStack, folder: Path, brokers: int) -> _Stores:
    disk = await asyncio.to_thread(_mount_disk, folder)
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
    return _Stores(disk, server, commissioned, databases, cluster, topics)


def _mount_disk(folder: Path) -> Disk | None:
    return Disk(folder / "disk", DISK_MB) if can_mount() else None


async def _start_processes(system: SystemUnderTest, planted: Mapping[str, str]) -> None:
    for name, bug in planted.items():
        system.stack.launch_through(name, "faults.planted", bug)
    await asyncio.gather(
        *(
            system.stack.start(name, env=system.settings(name), deadline_s=READY_S_MAX)
            for name in system.names
        )
    )
    system.stack.keep_running(*system.names)
