"""A planted bug: a publisher that no longer leads continues to send, and readers ignore the term."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from cuts.records import CutRecord
from cuts.state import ApplyResult, CutState
from kafka.leader_producer import LeaderProducer

SEND_DELAY_S: Final = 0.05
"""The delay before each send. A publisher suspended in the delay loses its lease, then sends an old cut."""
ACK_S_MAX: Final = 60.0
"""Long enough that no suspension makes the send fail."""

_apply = CutState.apply


def apply_in_any_term(self: CutState, record: CutRecord) -> ApplyResult:
    """Like `CutState.apply`, but accepts every record of another term, even of a lower one."""
    if self.ready and record.term != self.term:
        if record.kind == "full":
            return self._collect(record)
        self.term, self.cut = record.term, record.cut if record.base is None else record.base
    return _apply(self, record)


async def send_in_any_term(
    self: LeaderProducer, batch: Any, topic: str, partition: int, _term: int
) -> asyncio.Future[Any]:
    """Like `LeaderProducer.send_batch`, but does not check whether this process still leads."""
    producer = await self.opened()
    await asyncio.sleep(SEND_DELAY_S)
    return await producer.send_batch(batch, self._kafka.topic(topic), partition=partition)
