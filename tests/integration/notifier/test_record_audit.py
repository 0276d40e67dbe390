"""An error that somebody plants in latches or receipts is soon in the notifier's metrics."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.notifier.cut_writer import CutWriter
from tests.support.notifier.processes import NotifierProcess, Notifiers, until

pytestmark = pytest.mark.integration

ALL_DELIVERED = "select count(*) > 0 and bool_and(state = 'delivered') from message"
PLANTED = {
    "latch_missing": "with a as (delete from alert) delete from latch where threshold = 100",
    "latch_unfounded": "update latch set threshold = 300, value = 300, count = 300 where threshold = 50",
    "delivered_without_receipt": "delete from attempt",
    "accepted_and_open": "update message set state = 'retry', ended_at = null, due_at = 'infinity'",
    "attempt_missing": "update attempt set number = 2",
}


async def audit(running: NotifierProcess) -> dict[str, float]:
    """Return the audit's errors by kind; empty before the first audit."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{running.url}/metrics")).text
    lines = [line for line in text.splitlines() if line.startswith("notifier_audit_errors{")]
    return {line.split('"')[1]: float(line.rpartition(" ")[2]) for line in lines}


@pytest.mark.parametrize("kind", PLANTED)
async def test_a_planted_error_becomes_public(
    notifier: Notifiers, cuts: CutWriter, connection: Any, kind: str
) -> None:
    running = notifier.start()
    await cuts.full(_31=150, _31_71=60)
    await until(lambda: connection.fetchval(ALL_DELIVERED))
    assert await until(lambda: audit(running)) == dict.fromkeys(PLANTED, 0.0)

    await connection.execute(PLANTED[kind])

    async def is_public() -> bool:
        return (await audit(running))[kind] > 0

    await until(is_public)
