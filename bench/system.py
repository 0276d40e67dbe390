"""Real processes of all services on a measurement's own servers: started, waited for, ended."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from bench.http_wait import until_answers
from bench.register_fixture import Register, commission
from bench.servers import Servers, running
from deploy.local import secret_files
from deploy.local.commands import clean_environment
from deploy.local.paths import ROOT
from deploy.local.ports import free_ports
from deploy.local.postgres import SERVICES
from deploy.local.processes import PROCESSES, StackConfig

READY_S_MAX: Final = 60.0
END_S_MAX: Final = 20.0
TO_THE_BOARD: Final = ("api", "relay", "audit", "worker", "publisher", "board")


@dataclass
class System:
    """The register it begins with, and its processes by name."""

    register: Register
    servers: Servers
    stack_config: StackConfig
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def pids(self) -> dict[str, int]:
        """All that work here, for the meter."""
        return {**{name: one.pid for name, one in self.processes.items()}, **self.servers.pids}

    def url(self, name: str) -> str:
        """Where a process serves HTTP."""
        return f"http://127.0.0.1:{self.stack_config.ports[name]}"

    def start(self, settings: Mapping[str, str], *names: str) -> None:
        """Start processes with settings of one's own, and wait until each is ready."""
        for name in names:
            process = PROCESSES[name]
            with (self.servers.folder / f"{name}.log").open("wb") as log:
                self.processes[name] = subprocess.Popen(
                    self.stack_config.command(process),
                    env=clean_environment({**self.stack_config.settings(process), **settings}),
                    cwd=ROOT,
                    stdout=log,
                    stderr=log,
                )
        for name in names:
            self._wait_ready(name)

    def _wait_ready(self, name: str) -> None:
        # A board has nothing to show, and so is not ready, before somebody has registered.
        url = self.url(name) + ("/health/live" if name == "board" else "/health/ready")
        if not until_answers(url, self.processes[name], READY_S_MAX):
            log = (self.servers.folder / f"{name}.log").read_text("utf-8")
            raise RuntimeError(f"{name} is not ready: {log[-1_000:]}")

    def end(self) -> None:
        """End them all."""
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait(END_S_MAX)


@asynccontextmanager
async def system(settings: Mapping[str, str], *names: str) -> AsyncIterator[System]:
    """Servers, tables, topics, and these processes."""
    async with running() as servers:
        urls = servers.database("bench", *SERVICES)
        kafka = await servers.topics()
        url, postgres_pid = urls["registration"], servers.pids["PostgreSQL"]
        stack_config = StackConfig(
            databases=urls,
            kafka={"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers},
            ports=dict(zip(("smtp", *PROCESSES), free_ports(1 + len(PROCESSES)), strict=True)),
            secrets=secret_files.read_or_create(servers.folder / "secrets"),
            folder=servers.folder,
        )
        register = Register(servers.folder, url, await commission(url), postgres_pid)
        found = System(register, servers, stack_config)
        try:
            found.start(settings, *names)
            yield found
        finally:
            found.end()
