"""The Faust worker: an app of one agent that counts whole fetches, and how it starts, fails and ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import faust
from faust.types import TP

from aggregator.consumer.faust_transport import AS_IS, SCHEME, BatchApp, Consumer, Fetched, install
from aggregator.decoding.decoder import Decode
from aggregator.domain.event import Record
from aggregator.metrics import ASSIGNED
from aggregator.tallies.batch_counter import BatchCounter, RetryPolicy, retry
from aggregator.tallies.tally_store import TallyStore
from settings.kafka import KafkaSettings
from telemetry.logs import get

log = get()


FETCH_BYTES_MAX: Final = 8 << 20
FETCH_RECORDS_MAX: Final = 100_000
"""The more of them share one statement and the same leaves, the less each costs; memory is the bound."""
WAITING_RECORDS_MIN: Final = 20_000
HEARTBEAT_S: Final = 0.5
"""In an answer to one a worker learns that another is gone: the wait for it is part of every recovery."""
RESTS_PER_WORK: Final = 3
REST_S_PER_RECORD: Final = 0.0003
REST_S_MAX: Final = 0.8


def build_app(kafka: KafkaSettings, app_id: str) -> BatchApp:
    """A Faust app on our transport: no tables, no web server, no topics of its own."""
    install()
    return BatchApp(
        app_id,
        broker=[f"{SCHEME}://{server}" for server in kafka.bootstrap_servers.split(",")],
        broker_credentials=_credentials(kafka),
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=FETCH_BYTES_MAX,
        consumer_metadata_max_age_ms=30_000,
        broker_max_poll_records=FETCH_RECORDS_MAX,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_request_timeout=10.0,
        # Counts fetches, not records: the default would hold thousands of them.
        stream_buffer_maxsize=4,
        # A fetch in hand when partitions are shared anew may finish late: its statement decides.
        stream_wait_empty=False,
    )


def _credentials(kafka: KafkaSettings) -> Any:
    context = kafka.ssl_context() if kafka.security_protocol.endswith("SSL") else None
    if kafka.security_protocol.startswith("SASL"):
        assert kafka.sasl_password is not None, "settings require it"
        return faust.SASLCredentials(
            username=kafka.sasl_username,
            password=kafka.sasl_password.get_secret_value(),
            mechanism=kafka.sasl_mechanism,
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context=context)


class Worker:
    """One app and its agent; `run` ends when stopped, or with what made it fail."""

    def __init__(
        self, app: BatchApp, topic: str, tallies: TallyStore, decode: Decode, failing_s_max: float
    ) -> None:
        self._app = app
        self._topic = topic
        self._patience = RetryPolicy(failing_s_max)
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._taker = BatchCounter(tallies, self._ask_seek, decode=decode)
        self.taken: dict[int, int] = {}
        """Per partition, the offset below which everything was taken since the last seek."""
        self.storing = False
        """Whether a batch is being stored, maybe again and again: that has a bound of its own."""
        app.stored_offsets = self._load
        # Nothing is acknowledged to Kafka, so Faust need not keep lists of what was.
        events = app.topic(
            topic, value_type=None, value_serializer=AS_IS, key_type=bytes, key_serializer="raw", acks=False
        )
        app.agent(events, name="count", concurrency=1)(self._count)

    async def start(self) -> None:
        """Start the app and its agent."""
        self._app.finalize()
        await self._app.start()

    async def failed(self) -> None:
        """Wait until the worker cannot go on; raises why."""
        crashed = asyncio.ensure_future(self._app._crashed.wait())
        ends: set[asyncio.Future[Any]] = {crashed, self._failed}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            crashed.cancel()
        if self._failed.done():
            self._failed.result()
        raise RuntimeError("Faust crashed") from self._app.crash_reason

    async def stop(self) -> None:
        """Leave the group and end; a batch in hand is finished by the server or counted by the next."""
        await self._app.stop()

    def assigned(self) -> set[int]:
        """The partitions this worker reads now."""
        try:
            return {tp.partition for tp in self._app.consumer.assignment() if tp.topic == self._topic}
        except Exception:
            return set()

    @property
    def _consumer(self) -> Consumer:
        consumer = self._app.consumer
        assert isinstance(consumer, Consumer), "the app was built on another transport"
        return consumer

    def _ask_seek(self, partition: int, offset: int) -> None:
        self._consumer.ask_seek(TP(self._topic, partition), offset)
        self.taken[partition] = offset

    async def _load(self) -> dict[int, int]:
        offsets = await retry(self._taker.load, self._patience)
        self.taken = dict(offsets)
        ASSIGNED.set(len(self.assigned()))
        return dict(offsets)

    async def _count(self, stream: Any) -> None:
        async for event in stream.events():
            fetched: Fetched = event.value
            # A batch asked for before the last seek may skip what was sought.
            fresh = {
                tp.partition: batch.records
                for tp, batch in fetched.items()
                if batch.epoch == self._consumer.epoch_of(tp)
            }
            if fresh:
                await self._take(fresh)
            self._consumer.done()

    async def _take(self, fetched: Mapping[int, Sequence[Record]]) -> None:
        self.storing = True
        for partition, records in fetched.items():
            self.taken[partition] = records[-1].offset + 1
        began_at = time.monotonic()
        try:
            await retry(lambda: self._taker.take(fetched), self._patience)
        except Exception as error:
            if not self._failed.done():
                self._failed.set_exception(error)
            await asyncio.Event().wait()
        finally:
            self.storing = False
        self._consumer.rest_s = rest_s(time.monotonic() - began_at, sum(map(len, fetched.values())))


def rest_s(took_s: float, records: int) -> float:
    """How long to let records gather after a fetch that took so long.

    The more come together, the fewer rows change for each: a worker with time to spare takes no more than a
    quarter of it. Where few came, few will: then nobody is kept waiting for a slow database's sake.
    One that has work waiting does not rest.
    """
    if records >= WAITING_RECORDS_MIN:
        return 0.0
    return min(RESTS_PER_WORK * took_s, REST_S_PER_RECORD * records, REST_S_MAX)
