"""How fast one worker counts a backlog: contract events of about 480 bytes in 12 partitions, durably.

Run as `python -m bench.backlog` on an idle machine. It starts a broker and a database of its own
(fsync on), fills the topic, times `python -m aggregator worker` from the first to the last counted event.
Beside it, in the same run, aiokafka with a msgspec decode that stores nothing: the ratio is what counting
durably costs. `--scopes` spreads the events over five agencies and a campaign, `--recent` gives them the time
of today, so that growth per minute is counted too: each multiplies the rows that a batch changes.
"""

from __future__ import annotations

import asyncio
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
import typer
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from aggregator.counting import PARTITIONS
from aggregator.events import Event
from database.migrations import migrate
from deploy.local import kafka
from deploy.local.ports import free_ports
from deploy.local.postgres import SERVICES, Server
from deploy.topics import create_topics, read_topics
from settings.contract import contract_path
from settings.kafka import KafkaSettings

PASSWORD = "bench"
BATCH_BYTES = 512 * 1024
DEADLINE_S = 600
AGENCIES = ["ppkukm", "ppapp", "parekraf", "dkpkp", "nakertrans"]
DONE = "select sum(sequence) from position join live using (set_id)"


@dataclass(frozen=True)
class Backlog:
    """What the events are like."""

    events: int = 1_000_000
    scopes: bool = True
    recent: bool = True

    @property
    def per_partition(self) -> int:
        return self.events // PARTITIONS


def event_values(partition: int, backlog: Backlog) -> list[bytes]:
    """Registrations of one partition, in kelurahan as they come."""
    choose = random.Random(partition)
    codes = [line.split(",")[0] for line in contract_path("regions.csv").read_text("utf-8").splitlines()]
    kelurahan = [code for code in codes if len(code) == 13]
    moment = datetime.now(UTC) if backlog.recent else datetime(2021, 10, 24, 12, 5, tzinfo=UTC)
    time_text = moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    standings: list[dict[str, Any]] = [
        {
            "region": choose.choice(kelurahan),
            "agency": choose.choice(AGENCIES) if backlog.scopes else None,
            "campaign": "fest-2021" if backlog.scopes else None,
            "steps": [],
        }
        for _ in range(backlog.per_partition)
    ]
    return [
        _value(choose, partition, sequence, time_text, after) for sequence, after in enumerate(standings, 1)
    ]


def _value(
    choose: random.Random, partition: int, sequence: int, time_text: str, after: dict[str, Any]
) -> bytes:
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": str(UUID(int=choose.getrandbits(128))),
            "source": "/registration",
            "type": "id.jakpreneur.participant.registered.v1",
            "subject": str(UUID(int=choose.getrandbits(128))),
            "time": time_text,
            "datacontenttype": "application/json",
            "partition": partition,
            "sequence": sequence,
            "data": {
                "revision": 1,
                "before": None,
                "after": after,
                "occurred_at": "2021-10-24T19:04:58+07:00",
                "channel": "booth",
            },
        }
    )


async def fill(settings: KafkaSettings, backlog: Backlog) -> float:
    """Write the backlog; the mean size of an event."""
    producer = AIOKafkaProducer(
        **settings.client_options(), compression_type="lz4", max_batch_size=BATCH_BYTES, linger_ms=20
    )
    await producer.start()
    size = 0
    try:
        for partition in range(PARTITIONS):
            values = event_values(partition, backlog)
            size += sum(map(len, values))
            sent = [
                await producer.send(settings.topic("participant-events"), value, b"0" * 36, partition)
                for value in values
            ]
            await asyncio.gather(*sent)
    finally:
        await producer.stop()
    return size / (backlog.per_partition * PARTITIONS)


async def read_only(settings: KafkaSettings, events: int) -> float:
    """Events a second of aiokafka with a decode, storing nothing."""
    consumer = AIOKafkaConsumer(
        **settings.client_options(),
        group_id=None,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 << 20,
        max_poll_records=5_000,
    )
    await consumer.start()
    decode = msgspec.json.Decoder(Event).decode
    consumer.assign([TopicPartition(settings.topic("participant-events"), one) for one in range(PARTITIONS)])
    seen, started_at = 0, time.perf_counter()
    try:
        while seen < events:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    decode(record.value)
                seen += len(records)
    finally:
        await consumer.stop()
    return seen / (time.perf_counter() - started_at)


async def count(settings: KafkaSettings, url: str, events: int, group: str) -> tuple[float, float]:
    """Events a second of one worker from the first to the last counted, and the seconds it took to begin."""
    connection = await asyncpg.connect(url)
    await connection.execute("truncate tally, minute_tally, changed, quarantine")
    await connection.execute("update position set sequence = 0, kafka_offset = 0, gap_seen = null")
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "AGGREGATOR_DATABASE_URL": url,
        "AGGREGATOR_GROUP": group,
        "AGGREGATOR_PORT": str(free_ports(1)[0]),
    }
    process = subprocess.Popen([sys.executable, "-m", "aggregator", "worker"], env=environment)
    started_at = began_at = time.perf_counter()
    first = 0
    try:
        while (done := int(await connection.fetchval(DONE))) < events:
            if done and not first:
                first, began_at = done, time.perf_counter()
            if time.perf_counter() - started_at > DEADLINE_S:
                raise TimeoutError(f"{done} of {events} counted in {DEADLINE_S} s")
            await asyncio.sleep(0.02)
        rate = (events - first) / (time.perf_counter() - began_at)
        total = await connection.fetchval(
            "select count from tally where (scope, region, measure) = ('all', '31', 'registered')"
        )
        assert total == events, f"{total} of {events}"
        return rate, began_at - started_at
    finally:
        process.terminate()
        process.wait(30)
        await connection.close()


async def measure(folder: Path, backlog: Backlog, repeats: int) -> None:
    """Start the servers, fill the topic, and take turns."""
    port, controller_port = free_ports(2)
    broker = kafka.Broker(folder / "kafka", port, controller_port)
    broker.prepare()
    server = Server(folder / "postgres", free_ports(1)[0], PASSWORD)
    server.prepare()
    with (folder / "kafka.log").open("wb") as log:
        broker_process = subprocess.Popen(broker.command(), stdout=log, stderr=log)
    server_process = server.start(folder / "postgres.log")
    try:
        await broker.wait_ready()
        server.wait_ready(60)
        server.create_database("bench", dict.fromkeys(SERVICES, PASSWORD))
        url = server.url("bench", "aggregator", PASSWORD)
        migrate("aggregator", url)
        settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        await create_topics(settings, read_topics(contract_path("topics.yaml")))
        size = await fill(settings, backlog)
        events = backlog.per_partition * PARTITIONS
        print(f"{backlog}, {size:.0f} bytes each; {os.cpu_count()} cores, {platform.machine()}", flush=True)
        for turn in range(repeats):
            load = os.getloadavg()[0]
            reading = await read_only(settings, events)
            counting, began_s = await count(settings, url, events, f"bench-{turn}")
            print(
                f"read only {reading:,.0f}/s · counted durably {counting:,.0f}/s ({counting / reading:.2f})"
                f" · began after {began_s:.1f} s · load before {load:.1f}",
                flush=True,
            )
    finally:
        server_process.send_signal(signal.SIGINT)  # does not wait for clients
        broker_process.kill()
        server_process.wait(30)
        broker_process.wait(30)


def main(
    events: Annotated[int, typer.Option(help="Events in the topic.")] = 1_000_000,
    repeats: Annotated[int, typer.Option(help="Turns of rival and worker.")] = 3,
    scopes: Annotated[bool, typer.Option(help="Spread events over agencies and a campaign.")] = True,
    recent: Annotated[bool, typer.Option(help="Count growth per minute too.")] = True,
) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="backlog-") as folder:
        Path(folder).chmod(0o755)
        asyncio.run(measure(Path(folder), Backlog(events, scopes, recent), repeats))


if __name__ == "__main__":
    typer.run(main)
