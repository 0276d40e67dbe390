"""A Faust worker on a real broker and database reads from the stored offsets and recovers from stalls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from faust.types import TP

from aggregator.consumer.faust_app import build_app
from aggregator.consumer.faust_transport import FetchApp
from aggregator.consumer.faust_worker import FaustWorker
from aggregator.consumer.kafka_end_offsets import KafkaEndOffsets
from aggregator.consumer.stall_watchdog import SEEK_AFTER_S, StallWatchdog
from aggregator.decoding.batch_decoder import EventBatch, decode_events
from aggregator.domain.event import Record
from aggregator.tallies.postgres_tally_store import PostgresTallyStore
from database.pool import connect
from lifecycle.stop_signal import StopSignal
from telemetry.health import Health
from tests.support.aggregator.event_producer import EventProducer
from tests.support.deadlines import until
from tests.support.postgres_server import Databases
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

WAIT_S = 60
SESSION_TIMEOUT_S = 3.0
EVENT_TOPIC = "participant-events"


@dataclass
class ObservedWorker:
    """A worker in this process, with the offsets that it has counted."""

    app: FetchApp
    worker: FaustWorker
    tallies: PostgresTallyStore
    topic: str
    offsets: list[int] = field(default_factory=list)

    def tp(self, partition: int) -> TP:
        return TP(self.topic, partition)

    async def has_counted(self, partition: int, sequence: int) -> bool:
        return (await self.tallies.positions())[partition].sequence == sequence

    async def wait_for(self, partition: int, sequence: int) -> None:
        """Wait until the partition's position is this sequence."""
        await until(lambda: self.has_counted(partition, sequence), WAIT_S, name=f"position {sequence}")


StartWorker = Callable[[], AbstractAsyncContextManager[ObservedWorker]]


@pytest.fixture
async def start_worker(
    topics: Topics, database: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[StartWorker]:
    """Starts a worker of one consumer group, whose working directory is this test's."""
    monkeypatch.chdir(tmp_path)
    policy = asyncio.get_event_loop_policy()
    pool = await connect(database.aggregator, application_name="test")
    tallies, group = PostgresTallyStore(pool), f"g{uuid4().hex[:8]}"

    @asynccontextmanager
    async def start() -> AsyncIterator[ObservedWorker]:
        def decode(records: Collection[Record], partition: int) -> EventBatch:
            observed.offsets += [record.offset for record in records]
            return decode_events(records, partition)

        app, topic = build_app(topics.settings(), group, SESSION_TIMEOUT_S), topics.name(EVENT_TOPIC)
        observed = ObservedWorker(app, FaustWorker(app, topic, tallies, decode, WAIT_S), tallies, topic)
        try:
            yield observed
        finally:
            await asyncio.wait_for(observed.worker.stop(), WAIT_S)

    yield start
    await pool.close()
    asyncio.set_event_loop_policy(policy)


@pytest.fixture
async def end_offsets(topics: Topics) -> AsyncIterator[KafkaEndOffsets]:
    """Reads the end offsets of this test's topic."""
    end_offsets = KafkaEndOffsets(topics.settings().client_options(), topics.name(EVENT_TOPIC))
    yield end_offsets
    await end_offsets.close()


async def test_a_worker_reads_from_the_stored_offsets_and_commits_none_to_kafka(
    start_worker: StartWorker, producer: EventProducer, topics: Topics, tmp_path: Path
) -> None:
    await producer.send(3, range(1, 11))
    async with start_worker() as first:
        await first.worker.start()
        await first.wait_for(3, 10)
    await producer.send(3, range(11, 21))

    async with start_worker() as second:
        await second.worker.start()
        await second.wait_for(3, 20)

    assert sorted(first.offsets + second.offsets) == list(range(20))
    async with topics.administration() as admin:
        assert await admin.list_consumer_group_offsets(first.app.conf.id) == {}
    assert list(tmp_path.iterdir()) == [], "Faust has created directories"


async def test_a_worker_seeks_to_the_stored_offsets_when_the_database_answers_late(
    start_worker: StartWorker, producer: EventProducer
) -> None:
    await producer.send(3, range(1, 11))
    async with start_worker() as first:
        await first.worker.start()
        await first.wait_for(3, 10)
    await producer.send(3, range(11, 21))
    answers = asyncio.Event()

    async with start_worker() as second:
        stored_offsets = second.app.stored_offsets

        async def answer_late() -> Mapping[int, int]:
            await answers.wait()
            return await stored_offsets()

        second.app.stored_offsets = answer_late
        seeks = _count_seeks(second.app)
        second.app.conf.broker_request_timeout = SESSION_TIMEOUT_S
        await second.worker.start()
        await until(lambda: sum(seeks) >= 3, WAIT_S, name="the seek was given up twice")
        answers.set()
        await second.wait_for(3, 20)

    assert sorted(second.offsets) == list(range(10, 20))


async def test_a_fetch_during_a_rebalance_is_dropped_and_read_again(
    start_worker: StartWorker, producer: EventProducer
) -> None:
    async with start_worker() as observed:
        await observed.worker.start()
        await producer.send(3, range(1, 11))
        await observed.wait_for(3, 10)
        seeks = _count_seeks(observed.app)
        observed.app.rebalancing = True
        await producer.send(3, range(11, 21))
        await until(lambda: sum(seeks), WAIT_S, name="the fetch is dropped")
        counted = list(observed.offsets)

        observed.app.rebalancing = False
        await observed.wait_for(3, 20)

    assert counted == list(range(10))
    assert observed.offsets == list(range(20))


def _count_seeks(app: FetchApp) -> list[int]:
    """Return a list to which each seek to the stored offsets appends 1."""
    seeks: list[int] = []
    stored_offsets = app.stored_offsets

    async def counting() -> Mapping[int, int]:
        seeks.append(1)
        return await stored_offsets()

    app.stored_offsets = counting
    return seeks


async def test_a_partition_read_past_its_stored_offset_recovers_without_the_process_ending(
    start_worker: StartWorker, producer: EventProducer, end_offsets: KafkaEndOffsets
) -> None:
    async with start_worker() as observed:
        await observed.worker.start()
        await producer.send(3, range(1, 11))
        await observed.wait_for(3, 10)
        progress = Health().progress("counting", 15)
        watchdog = StallWatchdog(observed.worker, end_offsets, observed.tallies, progress, 15)
        await _skip_records(observed, producer, range(11, 21))
        assert not await observed.has_counted(3, 20)
        loop = asyncio.get_running_loop()
        began_at, stopping = loop.time(), StopSignal()

        watching = asyncio.create_task(watchdog.run(stopping))
        await observed.wait_for(3, 20)
        stopping.set()
        await watching

        assert loop.time() - began_at > SEEK_AFTER_S


async def _skip_records(observed: ObservedWorker, producer: EventProducer, sequences: range) -> None:
    """Send events to partition 3, and move the worker's read position past them."""
    tp, consumer = observed.tp(3), observed.app.consumer
    consumer.pause_partitions({tp})
    await producer.send(3, sequences)
    await consumer.seek_wait({tp: sequences.stop - 1})
    consumer.resume_partitions({tp})


async def test_a_full_buffer_pauses_no_partition(start_worker: StartWorker, producer: EventProducer) -> None:
    async with start_worker() as observed:
        await observed.worker.start()
        await until(lambda: observed.worker.assigned(), WAIT_S, name="partitions are assigned")
        await producer.send(3, range(1, 11))
        await observed.wait_for(3, 10)

        observed.app.consumer.on_buffer_full(observed.tp(3))
        await producer.send(3, range(11, 21))

        await observed.wait_for(3, 20)


async def test_a_seek_skips_partitions_of_other_workers(
    start_worker: StartWorker, producer: EventProducer
) -> None:
    async with start_worker() as observed:
        await observed.worker.start()
        await producer.send(3, range(1, 11))
        await observed.wait_for(3, 10)

        await observed.worker.seek({3: 4, 77: 0})

        await until(lambda: observed.offsets == [*range(10), *range(4, 10)], WAIT_S, name="read again")
        assert await observed.has_counted(3, 10)


async def test_a_crash_of_faust_ends_the_worker_with_its_reason(start_worker: StartWorker) -> None:
    async with start_worker() as observed:
        await observed.worker.start()
        reason = ValueError("broken")

        await observed.app.crash(reason)

        with pytest.raises(RuntimeError) as raised:
            await asyncio.wait_for(observed.worker.wait_for_failure(), WAIT_S)
        assert raised.value.__cause__ is reason
