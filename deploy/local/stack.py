"""Brings the whole system up on this machine and takes it down: one stack per folder."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local import commands, health, kafka, postgres, secret_files
from deploy.local.orphan_processes import end_all
from deploy.local.paths import broker_cache, local_folder, locked
from deploy.local.port_allocation import choose, remembered
from deploy.local.processes import PROCESSES, Surroundings
from deploy.local.supervisor import Program, Supervisor
from deploy.topics import create_topics, read_topics
from settings.contract_files import contract_path
from settings.kafka import KafkaSettings

DATABASE: Final = "jakpreneur"
READY_S_MAX: Final = 90.0
# What `forget` keeps: the same for every start, and slow to make.
KEPT: Final = ("jars", "ready", "formatted-*", "*.jsa", "*.lock")

Say = Callable[[str], None]


class StackError(RuntimeError):
    """The stack did not come up; the message says which part and why."""


@dataclass(frozen=True)
class Stack:
    """The stack of one folder."""

    folder: Path

    @classmethod
    def here(cls) -> Stack:
        """The stack of this checkout, or of LOCAL_DIR."""
        return cls(local_folder())

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.folder)

    def up(self, given_ports: Mapping[str, int], say: Say) -> bool:
        """Set up what is missing and start everything; False where it runs already."""
        with locked(self.folder / "stack.lock"):
            if self.supervisor.runs():
                return False
            if count := end_all(self.folder):
                say(f"ended {count} processes left over from a stack that lost its supervisor")
            try:
                self._up(choose(self.folder, given_ports), say)
            except BaseException:  # also Ctrl-C: half a stack would pass for a running one
                end_all(self.folder)
                raise
            return True

    def _up(self, ports: Mapping[str, int], say: Say) -> None:
        secrets = secret_files.read_or_make(self.folder / "secrets")
        server = postgres.Server(self.folder / "postgres", ports["postgres"], secrets["postgres_password"])
        broker = kafka.Broker(self.folder / "kafka" / "data", ports["kafka"], ports["kafka-controller"])
        if not (broker_cache() / "jars").exists():
            say("fetching Kafka (once)")
        broker.prepare()
        server.prepare()
        stores = [
            Program("postgres", server.command(), user=server.user, stop_signal="INT"),
            Program("kafka", broker.command()),
        ]
        supervisor = self.supervisor
        supervisor.write(stores)
        supervisor.start()
        say("starting PostgreSQL and Kafka")
        server.wait_ready()
        server.create_database(DATABASE, {name: secrets[f"{name}_password"] for name in postgres.SERVICES})
        surroundings = self.surroundings(ports)
        self._migrate(surroundings, say)
        surroundings = self._keys(surroundings, say)
        say("starting the services")
        # Those that need no Kafka start while it does.
        early = [name for name, process in PROCESSES.items() if "kafka" not in process.needs]
        supervisor.add(stores + [_program(surroundings, name) for name in early])
        asyncio.run(self._topics(broker))
        supervisor.add(stores + [_program(surroundings, name) for name in PROCESSES])

    def surroundings(self, ports: Mapping[str, int] | None = None) -> Surroundings:
        """What this stack's processes stand among; of the last start where no ports are given."""
        ports = ports or remembered(self.folder)
        secrets = secret_files.read_or_make(self.folder / "secrets")
        server = postgres.Server(self.folder / "postgres", ports["postgres"], secrets["postgres_password"])
        return Surroundings(
            databases={
                name: server.url(DATABASE, name, secrets[f"{name}_password"]) for name in postgres.SERVICES
            },
            kafka={"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{ports['kafka']}"},
            ports=ports,
            secrets=secrets,
            folder=self.folder,
            keys=commands.read_keys(self.folder / "keys.env"),
        )

    def _migrate(self, surroundings: Surroundings, say: Say) -> None:
        # Not run again for what it ran for last time: a second start is quicker by seconds.
        done, digest = self.folder / "migrated.json", commands.migrations_digest()
        if done.exists() and json.loads(done.read_text()) == digest:
            return
        say("bringing the schemas up to date")
        commands.migrate_all(surroundings)
        done.write_text(json.dumps(digest))

    async def _topics(self, broker: kafka.Broker) -> None:
        await broker.wait_ready()
        settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        await create_topics(settings, read_topics(contract_path("topics.yaml")))

    def _keys(self, surroundings: Surroundings, say: Say) -> Surroundings:
        path = self.folder / "keys.env"
        if not path.exists():
            say("opening campaigns and agencies, making keys")
            commands.write_keys(path, commands.commission(surroundings))
        return self.surroundings(surroundings.ports)

    def wait_ready(
        self, seen: Callable[[list[health.Status]], None], deadline_s: float = READY_S_MAX
    ) -> list[health.Status]:
        """Wait until every process is ready, showing each look; raises StackFailed naming the others."""
        ends = time.monotonic() + deadline_s
        while True:
            statuses = self.status()
            seen(statuses)
            waiting = [status for status in statuses if status.health != "ready"]
            if not waiting:
                return statuses
            if time.monotonic() > ends:
                lines = [f"{status.name}: {status.state}, {status.health}" for status in waiting]
                raise StackError("not ready:\n  " + "\n  ".join(lines) + f"\nlogs: {self.supervisor.logs}")
            time.sleep(0.2)

    def status(self) -> list[health.Status]:
        """Each process: pid, uptime, health, address. Empty where nothing runs."""
        if not self.supervisor.runs():
            return []
        return health.look(self.supervisor.processes(), remembered(self.folder))

    def down(self) -> int:
        """End every process, also those whose supervisor is gone; answers how many there were."""
        with locked(self.folder / "stack.lock"):
            return end_all(self.folder)

    def forget(self) -> None:
        """End everything and remove what was stored; what was fetched stays."""
        self.down()
        postgres.remove(self.folder / "postgres")
        for path in self.folder.iterdir() if self.folder.exists() else ():
            if path == broker_cache():
                _remove_unless_kept(path)
            else:
                _remove(path)


def _program(surroundings: Surroundings, name: str) -> Program:
    process = PROCESSES[name]
    return Program(name, surroundings.command(process), surroundings.settings(process))


def _remove_unless_kept(folder: Path) -> None:
    for path in folder.iterdir():
        if not any(path.match(kept) for kept in KEPT):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
