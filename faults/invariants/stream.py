"""Invariant 5: the board's stream never shows an older cut than before, and ends with the correct count."""

from __future__ import annotations

from collections.abc import Sequence

from faults.invariant_result import InvariantResult
from faults.invariants.counts import TOTAL, ExpectedCounts
from faults.observation.stream_viewer import StreamMessage


def check_stream(
    messages: Sequence[StreamMessage], connections: int, expected: ExpectedCounts
) -> InvariantResult:
    """Check the cuts in all messages of one viewer, who reads from both replicas and reconnects."""
    result = InvariantResult(5, "the stream never shows an older cut, and ends with the correct count")
    highest = (0, 0)
    for message in messages:
        version = (message.term, message.cut)
        result.check(
            version >= highest,
            f"{message.replica} sent cut {version[0]}.{version[1]} after {highest[0]}.{highest[1]}",
        )
        highest = max(highest, version)
    totals = [message.registered for message in messages if message.registered is not None]
    correct = expected.final[TOTAL]
    result.check(
        bool(totals) and totals[-1] == correct, f"the stream ends with {totals[-1:]}, must be {correct}"
    )
    result.notes.append(f"{len(messages):,} messages over {connections:,} connections to two replicas")
    return result
