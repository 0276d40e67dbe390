"""Follows region-counts, register-state and compacted topics without a consumer group, for as long as asked.

Every reader outlives broker restarts, time-outs, a topic that does not exist yet and records that retention
took away: it counts the interruption and goes on where it was, or finds its start anew. A record may come
again after an interruption; none is left out that is still in the log.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Generic, TypeVar

from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from prometheus_client import Counter

from cuts.records import CutRecord, RegisterState, UndecodableRecordError, decode_cut, decode_register_state
from cuts.topic_log import KafkaAccess, TopicLog, opened
from telemetry.logs import get

T = TypeVar("T")
Decode = Callable[[bytes | None], T]
Locate = Callable[[TopicLog, int, int], Awaitable[int]]
"""From the log, its first offset and its end: where to begin."""

POLL_S: Final = 1.0
ANSWER_S: Final = 5.0
SILENCE_S: Final = 10.0
"""After so long without a record the broker is asked whether there is one."""
RETRY_DELAY_S_MIN: Final = 0.2
RETRY_DELAY_S_MAX: Final = 5.0
LOOK_BACK_RECORDS: Final = 1000
"""Where the last cut cannot be read: more records than lie between two fulls."""
REGISTER_STATES_BACK: Final = 120

UNDECODABLE: Final = Counter(
    "cuts_records_undecodable", "Records that could not be read, skipped.", ["topic"]
)
INTERRUPTIONS: Final = Counter("cuts_reader_interruptions", "Times a reader had to connect anew.", ["topic"])

log = get()


@dataclass(frozen=True)
class Followed(Generic[T]):
    """A record read. `is_new`: written after this reader had come to the end of what lay there."""

    value: T
    key: bytes | None
    offset: int
    is_new: bool


class ReaderBehindError(Exception):
    """The broker holds records that the reader was not given: it connects anew."""


def follow_cuts(kafka: KafkaAccess) -> AsyncIterator[Followed[CutRecord]]:
    """Records of region-counts from the newest acknowledged full on, without end; give them to a CutState."""
    return _Follower(kafka, "region-counts", decode_cut, _newest_full).records()


def follow_register_state(kafka: KafkaAccess) -> AsyncIterator[Followed[RegisterState]]:
    """Records of register-state: the last two minutes' (so that a cut finds its as_of), then each new one."""
    return _Follower(kafka, "register-state", decode_register_state, _last_register_states).records()


def follow_table(
    kafka: KafkaAccess, name: str, decode: Callable[[bytes], T], since: datetime | None = None
) -> AsyncIterator[Followed[T | None]]:
    """Records of a compacted topic, all or those written from `since` on, then each new one; None: deleted.

    `decode` raises UndecodableRecord where a value cannot be read.
    """

    def decode_or_none(value: bytes | None) -> T | None:
        return None if value is None else decode(value)

    return _Follower(kafka, name, decode_or_none, partial(_written_since, since)).records()


class _Follower(Generic[T]):
    """One endless reading of one topic; `_next_offset` outlives the connections."""

    def __init__(self, kafka: KafkaAccess, name: str, decode: Decode[T], locate: Locate) -> None:
        self._kafka = kafka
        self._name = name
        self._decode = decode
        self._locate = locate
        self._next_offset: int | None = None

    async def records(self) -> AsyncIterator[Followed[T]]:
        delay_s = RETRY_DELAY_S_MIN
        while True:
            try:
                async with opened(self._kafka, self._name) as topic:
                    async for followed in self._connected(topic):
                        delay_s = RETRY_DELAY_S_MIN
                        yield followed
            except (KafkaError, ReaderBehindError, TimeoutError, OSError) as error:
                INTERRUPTIONS.labels(self._name).inc()
                log.warning(
                    "reader interrupted", topic=self._name, error=type(error).__name__, retry_s=delay_s
                )
                if isinstance(error, OffsetOutOfRangeError):
                    self._next_offset = None
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, RETRY_DELAY_S_MAX)

    async def _connected(self, topic: TopicLog) -> AsyncIterator[Followed[T]]:
        first, end = await topic.bounds()
        if self._next_offset is None or not first <= self._next_offset <= end:
            self._next_offset = await self._locate(topic, first, end)
        topic.seek(self._next_offset)
        heard_s = time.monotonic()
        while True:
            records = await topic.poll(POLL_S)
            if records:
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > SILENCE_S:
                await self._prove_silence(topic)
                heard_s = time.monotonic()
            for record in records:
                self._next_offset = record.offset + 1
                try:
                    value = self._decode(record.value)
                except UndecodableRecordError as error:
                    UNDECODABLE.labels(self._name).inc()
                    log.warning(
                        "record undecodable", topic=self._name, offset=record.offset, reason=str(error)
                    )
                    continue
                yield Followed(value, record.key, record.offset, is_new=record.offset >= end)

    async def _prove_silence(self, topic: TopicLog) -> None:
        """Raises ReaderBehindError where the log goes on without this reader, or was made anew."""
        _, end = await topic.bounds()
        if end != self._next_offset:
            raise ReaderBehindError(f"{self._name} ends at {end}, read up to {self._next_offset}")


async def _newest_full(topic: TopicLog, first: int, end: int) -> int:
    """The full that the last record names, or that it is; where it cannot be read, far enough back."""
    if end == first:
        return end
    topic.seek(end - 1)
    for record in await topic.poll(ANSWER_S):
        try:
            cut = decode_cut(record.value)
        except UndecodableRecordError:
            break
        begin = cut.full_offset if cut.full_offset >= 0 else record.offset - cut.part
        return max(first, begin)
    return max(first, end - LOOK_BACK_RECORDS)


async def _last_register_states(_topic: TopicLog, first: int, end: int) -> int:
    return max(first, end - REGISTER_STATES_BACK)


async def _written_since(since: datetime | None, topic: TopicLog, first: int, end: int) -> int:
    if since is None:
        return first
    found = await topic.offset_at(since)
    return end if found is None else found
