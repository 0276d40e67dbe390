"""One Faust message per fetch."""

from __future__ import annotations

from dataclasses import dataclass

from faust.types import TP

from aggregator.consumer.whole_fetch_scheduler import FetchScheduler

THREE, FOUR = TP("participant-events", 3), TP("participant-events", 4)


@dataclass
class StoredRecord:
    """A record at an offset."""

    offset: int
    value: bytes = b"{}"


def test_all_records_of_a_fetch_are_one_message() -> None:
    fetch = {THREE: [StoredRecord(7), StoredRecord(8)], FOUR: [StoredRecord(1)]}

    messages = list(FetchScheduler().iterate(fetch))

    assert [message.value for _, message in messages] == [fetch]


def test_a_message_is_named_after_a_partition_with_records() -> None:
    ((tp, message),) = FetchScheduler().iterate({THREE: [], FOUR: [StoredRecord(1)]})

    assert (tp, message.topic, message.partition) == (FOUR, "participant-events", 4)
    assert message.value == {FOUR: [StoredRecord(1)]}


def test_a_fetch_without_records_is_no_message() -> None:
    assert list(FetchScheduler().iterate({})) == []
    assert list(FetchScheduler().iterate({THREE: []})) == []


def test_a_fetch_after_a_seek_back_is_numbered_above_the_fetch_before() -> None:
    scheduler = FetchScheduler()

    ((_, before),) = scheduler.iterate({THREE: [StoredRecord(2**40)]})
    ((_, after),) = scheduler.iterate({THREE: [StoredRecord(7)]})

    assert 2**40 < before.offset < after.offset
