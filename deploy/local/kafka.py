"""A real Kafka broker (KRaft) on loopback: fetches its jars, writes its settings, formats its data folder."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import shutil
import subprocess
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local import jars
from deploy.local.free_ports import free_ports
from deploy.local.java import find_java
from deploy.local.paths import broker_cache, locked

CLUSTER_ID: Final = "amFrcHJlbmV1ci1sb2NhbA"
PROPERTIES: Final = """\
process.roles=broker,controller
node.id={node_id}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
controller.quorum.voters={voters}
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms={group_session_timeout_ms_min}
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync_min}
min.insync.replicas={in_sync_min}
transaction.state.log.num.partitions=4
log.cleaner.dedupe.buffer.size=16777216
# A broker killed by -9 is let in again only when its old session is over.
broker.session.timeout.ms={session_timeout_ms}
broker.heartbeat.interval.ms=400
controller.quorum.election.timeout.ms=300
# Leadership goes home soon after a broker has come back.
leader.imbalance.check.interval.seconds=5
"""


class BrokerError(RuntimeError):
    """The broker's jars could not be fetched, or a program failed or did not respond in time.

    The message has the reason.
    """


@dataclass(frozen=True)
class Broker:
    """One broker: its data folder, its TCP ports and its settings."""

    data: Path
    port: int
    controller_port: int
    heap_mb: int = 512
    session_timeout_ms: int = 6_000
    group_session_timeout_ms_min: int = 6_000
    """The least session time-out that a member of a consumer group may ask for; Kafka's default."""
    java_options: tuple[str, ...] = ()
    node_id: int = 1
    controllers: tuple[int, ...] = ()
    """The controller ports of all nodes in the order of their ids; empty if this node is alone."""

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def properties(self) -> Path:
        return self.data.with_name(f"{self.data.name}.properties")

    def command(self) -> list[str]:
        """Return the command line that starts the broker, after `prepare`."""
        return java_command(
            self.heap_mb, [*archive_options(), *self.java_options], "kafka.Kafka", str(self.properties)
        )

    def prepare(self) -> None:
        """Do everything that the broker needs before it starts.

        Fetch the jars and build the class archive, unless this machine has them. Write the settings. Format
        the data folder, unless it is formatted.
        """
        fetch_jars()
        self._write_properties()
        build_class_archive()
        self._format()

    def _write_properties(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        ports = self.controllers or (self.controller_port,)
        self.properties.write_text(
            PROPERTIES.format(
                port=self.port,
                controller_port=self.controller_port,
                data=self.data,
                session_timeout_ms=self.session_timeout_ms,
                group_session_timeout_ms_min=self.group_session_timeout_ms_min,
                node_id=self.node_id,
                voters=",".join(f"{node}@127.0.0.1:{port}" for node, port in enumerate(ports, 1)),
                replicas=len(ports),
                in_sync_min=max(1, len(ports) - 1),
            ),
            encoding="utf-8",
        )

    def _format(self) -> None:
        if (self.data / "meta.properties").exists():
            return
        # Kafka's format tool starts a JVM, which is slow. The files that it writes contain no path, so they
        # are written once per machine and then copied.
        template = broker_cache() / f"formatted-{_edition()}"
        with locked(broker_cache() / "formatted.lock"):
            if not template.exists():
                with tempfile.TemporaryDirectory(dir=broker_cache(), prefix="formatted-") as folder:
                    blank = Broker(Path(folder) / "data", self.port, self.controller_port)
                    blank._write_properties()
                    arguments = ("format", "-t", CLUSTER_ID, "-c", str(blank.properties))
                    _run(java_command(256, [], "kafka.tools.StorageTool", *arguments), 60)
                    blank.data.rename(template)
        shutil.copytree(template, self.data, dirs_exist_ok=True)
        if self.node_id > 1:
            self._sign()

    def _sign(self) -> None:
        """Give the copied data folder this node's id, and a directory id that no other folder has."""
        path = self.data / "meta.properties"
        fresh = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        own = {"node.id": str(self.node_id), "directory.id": fresh}
        lines = [
            f"{key}={own.get(key, value)}"
            for key, _, value in (line.partition("=") for line in path.read_text("utf-8").splitlines())
        ]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    async def wait_ready(self, deadline_s: float = 60.0) -> None:
        """Wait until the broker responds and the cluster lists a broker.

        Raises BrokerError after `deadline_s`.
        """
        ends = time.monotonic() + deadline_s
        while not await self._answers():
            if time.monotonic() > ends:
                raise BrokerError(
                    f"Kafka at {self.bootstrap_servers} did not answer within {deadline_s:.0f} s"
                )
            await asyncio.sleep(0.05)

    async def _answers(self) -> bool:
        try:  # a plain connection first, because the client would log an error at each failure
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers, request_timeout_ms=5_000)
        try:
            await admin.start()
            return bool((await admin.describe_cluster())["brokers"])
        except (KafkaError, OSError, TimeoutError):
            return False
        finally:
            await admin.close()


def fetch_jars(progress: jars.Progress = lambda done, total: None) -> Path:
    """Fetch the broker's jars if they are missing, and return their folder. Raises BrokerError."""
    folder = broker_cache() / "jars"
    with locked(broker_cache() / "jars.lock"):
        complete = folder / f"complete-{_edition()}"
        if complete.exists():
            return folder
        # Fetch into another folder first, so that an interrupted fetch does not look complete.
        fetched = Path(tempfile.mkdtemp(dir=broker_cache(), prefix="jars-"))
        try:
            jars.fetch(fetched, progress)
        except jars.FetchError as error:
            shutil.rmtree(fetched)
            raise BrokerError(str(error)) from error
        (fetched / complete.name).touch()
        fetched.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        fetched.rename(folder)
        return folder


def build_class_archive() -> None:
    """Archive the broker's classes once per Java version, which halves the duration of each later start."""
    archive = _archive()
    with locked(broker_cache() / "archive.lock"):
        if archive.exists():
            return
        with tempfile.TemporaryDirectory(dir=broker_cache(), prefix="archive-") as folder:
            made = _run_archiving_broker(Path(folder))
            if made.exists():
                made.rename(archive)


def _run_archiving_broker(folder: Path) -> Path:
    """Start and stop a broker in `folder`; return the path of the archive that Java writes at the stop."""
    port, controller_port = free_ports(2)
    broker = Broker(folder / "data", port, controller_port)
    broker._write_properties()
    broker._format()
    made = folder / "classes.jsa"
    options = [f"-XX:ArchiveClassesAtExit={made}"]
    command = java_command(broker.heap_mb, options, "kafka.Kafka", str(broker.properties))
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _in_own_loop(broker)
            process.terminate()
            process.wait(60)
        finally:
            process.kill()
    return made


def _in_own_loop(broker: Broker) -> None:
    """Wait for the broker in another thread, because the caller's, as in a test, may run an event loop."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(broker.wait_ready())).result()


def _edition() -> str:
    """Return a hash of the lock file, so that jars and archive are made again for another Kafka version."""
    return hashlib.sha256(jars.LOCK.read_bytes()).hexdigest()[:8]


def _archive() -> Path:
    return broker_cache() / f"classes-{_edition()}-java{find_java().major}.jsa"


def archive_options() -> list[str]:
    archive = _archive()
    return [f"-XX:SharedArchiveFile={archive}"] if archive.exists() else []


def java_command(heap_mb: int, options: list[str], main: str, *arguments: str) -> list[str]:
    return [
        str(find_java().path),
        f"-Xmx{heap_mb}m",
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        "-Xshare:auto",
        "-Xlog:disable",
        "-Djava.awt.headless=true",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        *options,
        "-cp",
        f"{broker_cache() / 'jars'}/*",
        main,
        *arguments,
    ]


def _run(command: list[str], deadline_s: float) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=deadline_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise BrokerError(f"{command[0]} did not end within {deadline_s:.0f} s") from error
    if done.returncode != 0:
        raise BrokerError(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")
