"""Endless readers of region-counts, register-state and compacted topics, without a consumer group.

A reader survives broker restarts, time-outs, a topic that does not exist yet, and the deletion of old records
by retention. It counts each interruption and reconnects. It then continues after its last record, or, if the
topic no longer has that offset, at the place where a new reader would start. After an interruption a record
may be repeated; no record that the topic still has is skipped.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, Generic, TypeVar

from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from prometheus_client import Counter

from cuts.missed_full import MissedFull
from cuts.records import CutRecord, RegisterState, UndecodableRecordError, decode_cut, decode_register_state
from kafka.settings import KafkaSettings
from kafka.topic_reader import TopicReader, open_reader
from lifecycle.backoff import Backoff
from telemetry.logs import get

T = TypeVar("T")
Decode = Callable[[bytes | None], T]
Locate = Callable[[TopicReader, int, int], Awaitable[int]]
"""Takes the topic, its first offset and its end offset; returns the offset at which to start reading."""
SeekAfter = Callable[[T], int | None]
"""Takes a record that was read; returns the offset from which to read again, None to read on."""

POLL_S: Final = 1.0
ANSWER_S: Final = 5.0
SILENCE_S: Final = 10.0
"""After this time without a record, the reader compares its offset with the topic's end."""
RETRY_DELAY_S_MIN: Final = 0.2
RETRY_DELAY_S_MAX: Final = 5.0
LOOK_BACK_RECORDS: Final = 20_000
"""How far before the end a reader starts if the last record is undecodable.

There are always fewer records between two full records, which are four hours apart while nothing changes.
"""
REGISTER_STATES_BACK: Final = 120

UNDECODABLE: Final = Counter(
    "cuts_records_undecodable", "Records that could not be decoded and were skipped.", ["topic"]
)
INTERRUPTIONS: Final = Counter("cuts_reader_interruptions", "Reconnections of readers.", ["topic"])

log = get()


@dataclass(frozen=True)
class FollowedRecord(Generic[T]):
    """A decoded record; `is_new` is True if the record was written after the reader connected."""

    value: T
    key: bytes | None
    offset: int
    is_new: bool


class ReaderBehindError(Exception):
    """The topic has records that the reader did not receive, so it must reconnect."""


async def newest_full(topic: TopicReader, first: int, end: int) -> int:
    """Return the offset of the full record that the topic's last record refers to, or is a part of.

    If the last record is undecodable, return the offset LOOK_BACK_RECORDS before the end.
    """
    if end == first:
        return end
    topic.seek(end - 1)
    for record in (await topic.poll(ANSWER_S)).get(0, ()):
        try:
            cut = decode_cut(record.value)
        except UndecodableRecordError:
            break
        begin = cut.full_offset if cut.full_offset >= 0 else record.offset - cut.part
        return max(first, begin)
    return max(first, end - LOOK_BACK_RECORDS)


def follow_cuts(
    kafka: KafkaSettings, locate: Locate = newest_full
) -> AsyncIterator[FollowedRecord[CutRecord]]:
    """Yield the records of region-counts without end; the caller applies them to a CutState.

    `locate` is called at the start, and again if the topic no longer has the next record. By default, a
    reader starts at the newest acknowledged full record. A reader that turns out to lack the newest full
    record goes back to it.
    """
    return _Follower(kafka, "region-counts", decode_cut, locate, MissedFull().seek_after).records()


def follow_register_state(kafka: KafkaSettings) -> AsyncIterator[FollowedRecord[RegisterState]]:
    """Yield the records of register-state from the last two minutes, and then each new record.

    The older records are needed because a cut that lags reaches an older state, which gives its `as_of`.
    """
    return _Follower(kafka, "register-state", decode_register_state, _last_register_states).records()


def follow_table(
    kafka: KafkaSettings, name: str, decode: Callable[[bytes], T], since: datetime | None = None
) -> AsyncIterator[FollowedRecord[T | None]]:
    """Yield the records of a compacted topic, and then each new record.

    With `since`, records written before that time are left out. The value of a tombstone is None. `decode`
    raises UndecodableRecordError for an invalid value.
    """

    def decode_or_none(value: bytes | None) -> T | None:
        return None if value is None else decode(value)

    return _Follower(kafka, name, decode_or_none, partial(_written_since, since)).records()


def _read_on(_value: object) -> None:
    """Never go back."""


class _Follower(Generic[T]):
    """An endless reader of one topic; `_next_offset` persists across connections."""

    def __init__(
        self,
        kafka: KafkaSettings,
        name: str,
        decode: Decode[T],
        locate: Locate,
        seek_after: SeekAfter[T] = _read_on,
    ) -> None:
        self._kafka = kafka
        self._name = name
        self._decode = decode
        self._locate = locate
        self._seek_after = seek_after
        self._next_offset: int | None = None
        self._backoff = Backoff(RETRY_DELAY_S_MIN, RETRY_DELAY_S_MAX)

    async def records(self) -> AsyncIterator[FollowedRecord[T]]:
        while True:
            async with self._interruption_handled(), open_reader(self._kafka, self._name) as topic:
                async for record in self._read(topic):
                    self._backoff.reset()
                    yield record

    @asynccontextmanager
    async def _interruption_handled(self) -> AsyncIterator[None]:
        """Suppress, count and log an error of the connection, and wait before the next attempt."""
        try:
            yield
        except (KafkaError, ReaderBehindError, TimeoutError, OSError) as error:
            delay_s = next(self._backoff)
            INTERRUPTIONS.labels(self._name).inc()
            log.warning("reader interrupted", topic=self._name, error=type(error).__name__, retry_s=delay_s)
            if isinstance(error, OffsetOutOfRangeError):
                self._next_offset = None
            await asyncio.sleep(delay_s)

    async def _read(self, topic: TopicReader) -> AsyncIterator[FollowedRecord[T]]:
        first, end = (await topic.bounds())[0]
        if self._next_offset is None or not first <= self._next_offset <= end:
            self._next_offset = await self._locate(topic, first, end)
        topic.seek(self._next_offset)
        last_record_s = time.monotonic()
        while True:
            records = (await topic.poll(POLL_S)).get(0, ())
            if records:
                last_record_s = time.monotonic()
            elif time.monotonic() - last_record_s > SILENCE_S:
                await self._check_end(topic)
                last_record_s = time.monotonic()
            for record in records:
                self._next_offset = record.offset + 1
                decoded = self._decode_or_skip(record, end)
                if decoded is None:
                    continue
                yield decoded
                again_from = self._seek_after(decoded.value)
                if again_from is not None:
                    log.info("reader goes back", topic=self._name, offset=record.offset, to=again_from)
                    self._next_offset = again_from
                    topic.seek(again_from)
                    break

    def _decode_or_skip(self, record: Any, end: int) -> FollowedRecord[T] | None:
        """Decode a record of aiokafka; None if the record is undecodable.

        `end` is the topic's end offset at the time when the reader connected.
        """
        try:
            value = self._decode(record.value)
        except UndecodableRecordError as error:
            UNDECODABLE.labels(self._name).inc()
            log.warning("record undecodable", topic=self._name, offset=record.offset, reason=str(error))
            return None
        return FollowedRecord(value, record.key, record.offset, is_new=record.offset >= end)

    async def _check_end(self, topic: TopicReader) -> None:
        """Raise ReaderBehindError if the topic's end is not the reader's offset.

        The topic's end is higher if the reader did not receive some records, and lower if the topic was
        created again.
        """
        _, end = (await topic.bounds())[0]
        if end != self._next_offset:
            raise ReaderBehindError(f"{self._name} ends at {end}, the reader is at {self._next_offset}")


async def _last_register_states(_topic: TopicReader, first: int, end: int) -> int:
    return max(first, end - REGISTER_STATES_BACK)


async def _written_since(since: datetime | None, topic: TopicReader, first: int, end: int) -> int:
    if since is None:
        return first
    found = await topic.offset_at(since)
    return end if found is None else found
