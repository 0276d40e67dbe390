"""Path `relay`: events per second that the relay publishes from a backlog in the register, in order."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path as File
from typing import Final

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.fixtures.kafka_and_postgres import Servers, running_servers
from bench.fixtures.registration_database import RegistrationDatabase, create_scopes_and_key
from bench.measurement.process_usage import Meter
from bench.paths import intake
from bench.paths.path_definition import (
    Contender,
    Figure,
    Goal,
    Measurement,
    Path,
    Scale,
    SkippedError,
    WrongCountsError,
)
from deploy.local.free_ports import free_ports
from deploy.local.paths import ROOT
from kafka.settings import KafkaSettings
from registration.domain.participant_partition import PARTITIONS

EVENTS: Final = {Scale.FULL: 1_000_000, Scale.QUICK: 100_000, Scale.SMOKE: 2_400}
DEADLINE_S: Final = 300.0
TOPIC: Final = "participant-events"
CONFLUENT_PYTHON: Final = ROOT / ".local" / "bench" / "quix" / "bin" / "python"
"""The Python of the virtual environment that `make rivals` creates; confluent-kafka is installed there."""
FILL: Final = """
INSERT INTO event (partition, sequence, id, participant_id, type, recorded_at, value)
SELECT place.partition, place.sequence, place.id, place.participant_id,
       'id.jakpreneur.participant.registered.v1', now(),
       format('{"specversion":"1.0","id":"%s","source":"/registration",'
              '"type":"id.jakpreneur.participant.registered.v1","subject":"%s",'
              '"time":"2021-10-24T12:05:00.137Z","datacontenttype":"application/json","partition":%s,'
              '"sequence":%s,"data":{"revision":1,"before":null,"after":{"region":"31.71.01.1001",'
              '"agency":"ppkukm","campaign":"fest-2021","steps":[]},'
              '"occurred_at":"2021-10-24T19:04:58+07:00","channel":"booth"}}',
              place.id, place.participant_id, place.partition, place.sequence)
FROM (SELECT partition, sequence, gen_random_uuid() AS id, gen_random_uuid() AS participant_id
      FROM generate_series(0, $1::integer - 1) AS partition,
           generate_series(1, $2::integer) AS sequence) AS place
"""
DUMP: Final = "SELECT partition, participant_id, value FROM event ORDER BY partition, sequence"
PUBLISHED: Final = "SELECT sum(published)::bigint FROM partition"


@dataclass
class Setup:
    """The servers, a register with a backlog, and the same events in a file."""

    servers: Servers
    database: RegistrationDatabase
    events: int
    file: File
    intake: intake.Setup
    """A register without a backlog, on which the API's highest rate is measured."""
    topics_created: int = 0

    async def new_topics(self) -> KafkaSettings:
        """Create empty topics with a new name prefix."""
        self.topics_created += 1
        return await self.servers.topics(f"run-{self.topics_created}-")


@asynccontextmanager
async def open_setup(scale: Scale) -> AsyncIterator[Setup]:
    """Start the servers and write the backlog."""
    async with running_servers() as servers:
        register = await _register(servers, "bench", "registration_relay")
        other = await _register(servers, "api", "registration_api")
        per_partition = EVENTS[scale] // PARTITIONS
        connection = await asyncpg.connect(**register.address.asyncpg_options())
        try:
            await connection.execute(FILL, PARTITIONS, per_partition, timeout=DEADLINE_S)
            await connection.execute("UPDATE partition SET last_sequence = $1", per_partition)
            file = servers.folder / "events"
            await connection.copy_from_query(DUMP, output=file)
        finally:
            await connection.close()
        events = per_partition * PARTITIONS
        yield Setup(servers, register, events, file, intake.Setup(other, scale))


async def _register(servers: Servers, name: str, role: str) -> RegistrationDatabase:
    """Create a register for the processes that log in as `role`."""
    addresses = servers.database(name, "registration")
    key = await create_scopes_and_key(addresses["registration_api"])
    pid = servers.pids["PostgreSQL"]
    return RegistrationDatabase(servers.folder, addresses["registration"], addresses[role], key, pid)


async def ours(setup: Setup) -> Measurement:
    """Measure the relay from the moment when a tenth of the events are published until all are."""
    settings = await setup.new_topics()
    connection = await asyncpg.connect(**setup.database.address.asyncpg_options())
    await connection.execute("UPDATE partition SET published = 0")
    process = subprocess.Popen(
        [sys.executable, "-m", "registration", "relay"],
        env=setup.database.environment(
            KAFKA_BOOTSTRAP_SERVERS=settings.bootstrap_servers,
            KAFKA_TOPIC_PREFIX=settings.topic_prefix,
            REGISTRATION_RELAY_PORT=str(free_ports(1)[0]),
        ),
        cwd=ROOT,
    )
    try:
        meter = Meter({"relay": process.pid, **setup.servers.pids})
        first, began_s = await _wait_published(connection, setup.events // 10, process)
        last, ended_s = await _wait_published(connection, setup.events, process)
        usages = meter.stop()
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 30)
        await connection.close()
    await _check(settings, setup.events)
    return Measurement({"rate": _rate(first, last, began_s, ended_s)}, setup.events, usages)


def _rate(first: int, last: int, began_s: float, ended_s: float) -> float:
    # If a small backlog is published between two polls, no time was measured and the result is no real rate.
    return (last - first) / (ended_s - began_s) if last > first else float(last)


async def _wait_published(
    connection: asyncpg.Connection, wanted: int, process: subprocess.Popen[bytes]
) -> tuple[int, float]:
    deadline = time.monotonic() + DEADLINE_S
    while process.poll() is None and time.monotonic() < deadline:
        published = int(await connection.fetchval(PUBLISHED))
        if published >= wanted:
            return published, time.monotonic()
        await asyncio.sleep(0.01)
    raise RuntimeError(f"{wanted} events were not published; exit code {process.poll()}")


async def aiokafka(setup: Setup) -> Measurement:
    """Measure aiokafka's idempotent producer, which sends batches from memory."""
    return await _measure_producer(setup, sys.executable, "aiokafka_producer.py")


async def confluent(setup: Setup) -> Measurement:
    """Measure librdkafka (confluent-kafka) with one call per event. Raises SkippedError."""
    if not CONFLUENT_PYTHON.exists():
        raise SkippedError("confluent-kafka is missing: run `make rivals`")
    return await _measure_producer(setup, str(CONFLUENT_PYTHON), "confluent_producer.py")


async def _measure_producer(setup: Setup, python: str, script: str) -> Measurement:
    settings = await setup.new_topics()
    process = await asyncio.create_subprocess_exec(
        *(python, str(ROOT / "bench" / "rivals" / script)),
        *(settings.bootstrap_servers, settings.topic(TOPIC), str(setup.file)),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{script} ended with {process.returncode}")
    summary = json.loads(out)
    await _check(settings, setup.events)
    return Measurement({"rate": summary["events"] / summary["seconds"]}, setup.events)


async def api_maximum(setup: Setup) -> Measurement:
    """Measure the registrations per second of one API process; the relay must keep up with several APIs."""
    intake.require_wrk()
    return await intake.ours(setup.intake)


async def _check(settings: KafkaSettings, events: int) -> None:
    consumer = AIOKafkaConsumer(**settings.client_options(), group_id=None)
    await consumer.start()
    try:
        partitions = [TopicPartition(settings.topic(TOPIC), number) for number in range(PARTITIONS)]
        records = sum((await consumer.end_offsets(partitions)).values())
    finally:
        await consumer.stop()
    if records != events:
        raise WrongCountsError(f"{records} records in the topic, {events} events")


PATH: Final = Path(
    name="relay",
    about="A backlog of events in the register, sent to 12 partitions in order and acknowledged, with the "
    "position advanced in PostgreSQL. The rivals are producers that send the same events from memory.",
    figures={"rate": Figure("events/s")},
    ours=Contender("relay", ours),
    rivals=(
        Contender("bare aiokafka send_batch", aiokafka),
        Contender("confluent-kafka producer", confluent),
        Contender("one API's maximum", api_maximum),
    ),
    goals=(
        Goal("rate", "bare aiokafka send_batch", 0.5),
        Goal("rate", "confluent-kafka producer"),
        Goal("rate", "one API's maximum", 5.0),
    ),
    open=open_setup,
)
