"""A cluster of one or more real brokers with replicated partitions."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.broker import Broker
from tests.support.ports import free_ports


class Cluster:
    """`count` brokers in one KRaft quorum. Each broker is also a controller."""

    def __init__(self, folder: Path, count: int, *, session_timeout_ms: int) -> None:
        controllers = tuple(free_ports(count))
        self.brokers = []
        for node in range(1, count + 1):
            (folder / f"broker-{node}").mkdir(parents=True)
            self.brokers.append(
                Broker(
                    folder / f"broker-{node}",
                    session_timeout_ms=session_timeout_ms,
                    node_id=node,
                    controllers=controllers,
                )
            )

    @property
    def bootstrap_servers(self) -> str:
        """The hosts and ports of all brokers, in the form of the client setting bootstrap.servers."""
        return ",".join(broker.bootstrap_servers for broker in self.brokers)

    async def ready(self, deadline_s: float = 180.0) -> None:
        """Wait until each broker answers."""
        await asyncio.gather(*(broker.ready(deadline_s) for broker in self.brokers))

    def close(self) -> None:
        """Kill all brokers."""
        for broker in self.brokers:
            broker.close()
