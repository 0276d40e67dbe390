"""A planted bug: a publisher that no longer leads continues to send, and readers ignore the term."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from cuts.records import CutRecord
from cuts.state import ApplyResult, CutState
from kafka.abandonable_producer import Producer
from kafka.leader_producer import LeaderProducer, LeaderRecord

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
    self: LeaderProducer, producer: Producer, messages: Sequence[LeaderRecord], term: int
) -> int:
    """Like `LeaderProducer._send`, but does not check whether this process still leads."""
    await asyncio.sleep(SEND_DELAY_S)
    futures = [
        await producer.send(message.topic, message.value, message.key, partition=0) for message in messages
    ]
    acknowledged = await asyncio.gather(*futures)
    return int(acknowledged[0].offset)
