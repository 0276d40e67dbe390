"""Sets up, starts and stops the whole system on this machine, with one stack per folder."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.database_roles import DATABASE_ROLES
from deploy.local import kafka, one_shot_commands, postgres, process_status, secret_files
from deploy.local.paths import broker_cache, local_folder, locked
from deploy.local.port_allocation import allocate_ports, last_ports
from deploy.local.process_definitions import PROCESSES, StackConfig
from deploy.local.stack_processes import end_all
from deploy.local.supervisor_client import Program, Supervisor
from deploy.topics import create_topics, read_topics
from kafka.settings import KafkaSettings
from settings.contract_files import contract_path

DATABASE: Final = "jakpreneur"
READY_S_MAX: Final = 90.0
# The files that `forget` keeps, because they are slow to create and do not depend on the stack's data.
KEPT: Final = ("jars", "ready", "formatted-*", "*.jsa", "*.lock")

OnProgress = Callable[[str], None]
"""Takes a description of the step that begins."""


class StackError(RuntimeError):
    """The stack did not start; the message names the process and the reason."""


@dataclass(frozen=True)
class Stack:
    """The stack whose files are in `folder`."""

    folder: Path

    @classmethod
    def here(cls) -> Stack:
        """Return the stack in LOCAL_DIR; if LOCAL_DIR is not set, the stack of this checkout."""
        return cls(local_folder())

    @property
    def supervisor(self) -> Supervisor:
        """The supervisor of this stack."""
        return Supervisor(self.folder)

    def up(self, given_ports: Mapping[str, int], on_progress: OnProgress) -> bool:
        """Set up what is missing and start all processes; return False if the stack is already running."""
        with locked(self.folder / "stack.lock"):
            if self.supervisor.is_running():
                return False
            if count := end_all(self.folder):
                on_progress(f"ended {count} processes left over from a stack that lost its supervisor")
            try:
                self._up(allocate_ports(self.folder, given_ports), on_progress)
            except BaseException:  # also Ctrl-C; otherwise a half-started stack would look like a running one
                end_all(self.folder)
                raise
            return True

    def _up(self, ports: Mapping[str, int], on_progress: OnProgress) -> None:
        secrets = secret_files.read_or_create(self.folder / "secrets")
        server = postgres.Server(self.folder / "postgres", ports["postgres"], secrets["postgres_password"])
        broker = kafka.Broker(self.folder / "kafka" / "data", ports["kafka"], ports["kafka-controller"])
        if not (broker_cache() / "jars").exists():
            on_progress("fetching Kafka (once)")
        broker.prepare()
        server.prepare()
        stores = [
            Program("postgres", server.command(), user=server.user, stop_signal="INT"),
            Program("kafka", broker.command()),
        ]
        supervisor = self.supervisor
        supervisor.write(stores)
        supervisor.start()
        on_progress("starting PostgreSQL and Kafka")
        server.wait_ready()
        server.create_database(DATABASE, {role: secrets[f"{role}_password"] for role in DATABASE_ROLES})
        stack_config = self.stack_config(ports)
        self._migrate(stack_config, on_progress)
        stack_config = self._keys(stack_config, on_progress)
        on_progress("starting the services")
        # Processes that need no Kafka start while Kafka is starting.
        early = [name for name, process in PROCESSES.items() if "kafka" not in process.needs]
        supervisor.add(stores + [_program(stack_config, name) for name in early])
        asyncio.run(self._topics(broker))
        supervisor.add(stores + [_program(stack_config, name) for name in PROCESSES])

    def stack_config(self, ports: Mapping[str, int] | None = None) -> StackConfig:
        """Return the configuration of this stack's processes; by default with the ports of the last start."""
        ports = ports or last_ports(self.folder)
        secrets = secret_files.read_or_create(self.folder / "secrets")
        server = postgres.Server(self.folder / "postgres", ports["postgres"], secrets["postgres_password"])
        return StackConfig(
            databases={
                role: server.address(DATABASE, role, secrets[f"{role}_password"]) for role in DATABASE_ROLES
            },
            kafka={"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{ports['kafka']}"},
            ports=ports,
            secrets=secrets,
            folder=self.folder,
            keys=one_shot_commands.read_keys(self.folder / "keys.env"),
        )

    def _migrate(self, stack_config: StackConfig, on_progress: OnProgress) -> None:
        # If the migrations have not changed since they last ran, they are skipped. This makes a second start
        # some seconds faster.
        done, digest = self.folder / "migrated.json", one_shot_commands.migrations_digest()
        if done.exists() and json.loads(done.read_text()) == digest:
            return
        on_progress("bringing the schemas up to date")
        one_shot_commands.migrate_all(stack_config)
        done.write_text(json.dumps(digest))

    async def _topics(self, broker: kafka.Broker) -> None:
        await broker.wait_ready()
        settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        await create_topics(settings, read_topics(contract_path("topics.yaml")))

    def _keys(self, stack_config: StackConfig, on_progress: OnProgress) -> StackConfig:
        path = self.folder / "keys.env"
        if not path.exists():
            on_progress("opening campaigns and agencies, making keys")
            one_shot_commands.write_keys(path, one_shot_commands.commission(stack_config))
        return self.stack_config(stack_config.ports)

    def wait_ready(
        self, on_status: Callable[[list[process_status.Status]], None], deadline_s: float = READY_S_MAX
    ) -> list[process_status.Status]:
        """Wait until every process is ready, and call `on_status` after each check.

        Raises StackError, which names the processes that are not ready after `deadline_s`."""
        deadline = time.monotonic() + deadline_s
        while True:
            statuses = self.status()
            on_status(statuses)
            waiting = [status for status in statuses if status.health != "ready"]
            if not waiting:
                return statuses
            if time.monotonic() > deadline:
                lines = [f"{status.name}: {status.state}, {status.health}" for status in waiting]
                raise StackError("not ready:\n  " + "\n  ".join(lines) + f"\nlogs: {self.supervisor.logs}")
            time.sleep(0.2)

    def status(self) -> list[process_status.Status]:
        """Return the status of each process; an empty list if the stack does not run."""
        if not self.supervisor.is_running():
            return []
        return process_status.check_all(self.supervisor.processes(), last_ports(self.folder))

    def down(self) -> int:
        """Stop every process, even if its supervisor has died; return the number of stopped processes."""
        with locked(self.folder / "stack.lock"):
            return end_all(self.folder)

    def forget(self) -> None:
        """Stop every process and remove the stored data, but keep the files that were fetched."""
        self.down()
        postgres.remove(self.folder / "postgres")
        for path in self.folder.iterdir() if self.folder.exists() else ():
            if path == broker_cache():
                _remove_unless_kept(path)
            else:
                _remove(path)


def _program(stack_config: StackConfig, name: str) -> Program:
    process = PROCESSES[name]
    return Program(name, stack_config.command(process), stack_config.settings(process))


def _remove_unless_kept(folder: Path) -> None:
    for path in folder.iterdir():
        if not any(path.match(kept) for kept in KEPT):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
