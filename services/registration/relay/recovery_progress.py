"""Reports what a recovery waits for until the counts of the register's new epoch are published."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from cuts.records import (
    CutRecord,
    RegisterState,
    UndecodableRecordError,
    decode_cut,
    decode_register_state,
)
from cuts.topic_readers import FollowedRecord
from kafka.settings import KafkaSettings
from kafka.topic_reader import newest_records
from registration.store.register_rows import QUERIES

CHECK_EVERY_S: Final = 1.0
NEWEST_RECORDS: Final = 50


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """An epoch of the register, and the last sequence of each partition when it began."""

    number: int
    last_sequence: Sequence[int]


async def published_epoch(kafka: KafkaSettings) -> int:
    """Return the highest epoch in the newest cuts and register states; 0 if no record has one."""
    cuts = await newest_records(kafka, "region-counts", NEWEST_RECORDS)
    states = await newest_records(kafka, "register-state", NEWEST_RECORDS)
    epochs = _epochs(decode_cut, cuts[0]) + _epochs(decode_register_state, states[0])
    return max(epochs, default=0)


def _epochs(decode: Callable[[bytes | None], CutRecord | RegisterState], records: Iterable[Any]) -> list[int]:
    epochs = []
    for record in records:
        try:
            epochs.append(decode(record.value).epoch)
        except UndecodableRecordError:
            continue
    return epochs


def awaited(epoch: NewEpoch, published: Sequence[int], *, relay_alive: bool) -> str:
    """Say what the recovery waits for, before a cut of the epoch is published."""
    required = sum(epoch.last_sequence)
    sent = sum(map(min, published, epoch.last_sequence))
    if sent == required:
        return f"Waiting for the aggregator: all {required} events are published, but not counted yet."
    if not relay_alive:
        return f"Waiting for a relay: none runs, and {required - sent} events are not published yet."
    return f"Waiting for the relay: {sent} of {required} events are published."


async def wait_until_counted(
    pool: asyncpg.Pool[Any],
    cuts: AsyncIterator[FollowedRecord[CutRecord]],
    epoch: NewEpoch,
    report: Callable[[str], None],
) -> None:
    """Wait until a cut of the epoch is published. Until then, report each change of what is awaited."""
    counted = asyncio.ensure_future(_is_published(cuts, epoch.number))
    reported = ""
    try:
        while not counted.done():
            row = await QUERIES.recover_progress(pool)
            text = awaited(epoch, row["published"], relay_alive=row["relay_alive"])
            if text != reported:
                report(text)
                reported = text
            await asyncio.wait([counted], timeout=CHECK_EVERY_S)
        await counted
    finally:
        counted.cancel()


async def _is_published(cuts: AsyncIterator[FollowedRecord[CutRecord]], epoch: int) -> None:
    """Return when a cut of this epoch or of a later epoch is published."""
    async for followed in cuts:
        if followed.value.epoch >= epoch:
            return
