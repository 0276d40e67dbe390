"""Tests the readers of cuts on a real broker: at which record they begin, and which failures they survive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from cuts.state import CutState
from cuts.topic_readers import FollowedRecord, follow_cuts, follow_register_state
from tests.support.background_task import background_task
from tests.support.board.input_topic_writer import TopicWriter, topic_writer
from tests.support.broker import Broker
from tests.support.deadlines import until
from tests.support.topic_prefixes import Topics

pytestmark = pytest.mark.integration

T = TypeVar("T")
GAMBIR = "31.71.01.1001"


@asynccontextmanager
async def reading(records: AsyncIterator[FollowedRecord[T]]) -> AsyncIterator[list[FollowedRecord[T]]]:
    """Yield a list of the records read so far. The list grows while the context is open."""
    read: list[FollowedRecord[T]] = []

    async def read_all() -> None:
        async for record in records:
            read.append(record)  # noqa: PERF401 - the list is watched while it grows

    async with background_task(read_all()):
        yield read


def state_of(read: list[FollowedRecord[Any]]) -> CutState:
    state = CutState()
    for record in read:
        state.apply(record.value)
    return state


async def test_a_reader_begins_at_the_newest_acknowledged_full(topics: Topics, source: TopicWriter) -> None:
    for _ in range(3):
        source.register(GAMBIR)
        await source.full(2)
    newest_full = source.full_offset
    source.register(GAMBIR)
    await source.change()

    async with reading(follow_cuts(topics.settings())) as read:
        await until(lambda: state_of(read).id == "7.4", name="the last cut is read")
        await source.change()
        await until(lambda: read[-1].is_new, name="a heart-beat is read")

    assert read[0].offset == newest_full
    assert [record.is_new for record in read] == [False, False, False, True]
    assert state_of(read).counts["all", "31", "registered"] == 4


async def test_a_first_full_without_a_later_record_is_read_from_its_first_part(
    topics: Topics, source: TopicWriter
) -> None:
    source.register(GAMBIR)
    await source.full(3)

    async with reading(follow_cuts(topics.settings())) as read:
        await until(lambda: state_of(read).ready, name="the full is complete")

    assert [record.value.part for record in read] == [0, 1, 2]


async def test_a_reader_whose_last_record_is_undecodable_begins_further_back(
    topics: Topics, source: TopicWriter
) -> None:
    source.register(GAMBIR)
    await source.full(2)
    await source.raw("region-counts", b"\xff\x00")

    async with reading(follow_cuts(topics.settings())) as read:
        await until(lambda: state_of(read).ready, name="the full is complete")


async def test_a_reader_waits_for_a_topic_that_does_not_exist_yet(kafka: Broker) -> None:
    topics = Topics(kafka.bootstrap_servers, f"t{uuid4().hex[:8]}-")

    async with reading(follow_register_state(topics.settings())) as read:
        await topics.create()
        async with topic_writer(topics) as source:
            await source.register_state()
            await until(lambda: read, name="the register state is read")

    assert read[0].value.last_sequence == (0,) * 12


async def test_after_retention_has_deleted_the_full_the_reader_waits_for_the_next(
    topics: Topics, source: TopicWriter
) -> None:
    source.register(GAMBIR)
    await source.full(2)
    source.register(GAMBIR)
    await source.change()
    partition = TopicPartition(topics.name("region-counts"), 0)
    async with topics.administration() as admin:
        await admin.delete_records({partition: RecordsToDelete(before_offset=source.full_offset + 2)})

    async with reading(follow_cuts(topics.settings())) as read:
        await until(lambda: read, name="the change was read")
        ready_before = state_of(read).ready
        await source.full(2)
        await until(lambda: state_of(read).ready, name="the next full is complete")

    assert not ready_before


async def test_a_reader_survives_a_killed_broker(own_kafka: Broker, topics: Topics) -> None:
    async with topic_writer(topics) as source:
        source.register(GAMBIR)
        await source.full()
        async with reading(follow_cuts(topics.settings())) as read:
            await until(lambda: state_of(read).ready, name="the full is complete")

            await own_kafka.restart()
            source.register(GAMBIR)
            await source.change()
            await until(lambda: state_of(read).id == "7.2", 60, name="the next cut was read")

    assert state_of(read).counts["all", "31", "registered"] == 2
