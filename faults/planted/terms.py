"""Readers that ignore `term`, and a publisher that trusts them: deposed, it sends all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from cuts.records import CutRecord
from cuts.state import ApplyResult, CutState
from outbox.leader_producer import LeaderProducer, LeaderRecord
from outbox.producer import Producer

SEND_LATER_S: Final = 0.05
"""A cut in hand for so long: stopped in it, the publisher is deposed with the cut still to be sent."""
ACK_S_MAX: Final = 60.0
"""However long it slept."""

_apply = CutState.apply


def apply_in_any_term(self: CutState, record: CutRecord) -> ApplyResult:
    """`CutState.apply`, but whatever another term brings is the next, newer or not."""
    if self.ready and record.term != self.term:
        if record.kind == "full":
            return self._collect(record)
        self.term, self.cut = record.term, record.cut if record.base is None else record.base
    return _apply(self, record)


async def send_in_any_term(
    self: LeaderProducer, producer: Producer, messages: Sequence[LeaderRecord], term: int
) -> int:
    """`LeaderProducer._send`, but it does not ask whether it still leads."""
    await asyncio.sleep(SEND_LATER_S)
    sent = [
        await producer.send(message.topic, message.value, message.key, partition=0) for message in messages
    ]
    acknowledged = await asyncio.gather(*sent)
    return int(acknowledged[0].offset)
