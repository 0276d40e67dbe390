"""The loop that publishes stored crossings to the topic milestones while this process holds the lease."""

from __future__ import annotations

import asyncio
from typing import Final

from lifecycle.loops import run_forever
from lifecycle.stop_signal import StopSignal
from outbox.postgres_leases import Lease
from outbox.publisher import Publisher

RENEW_S: Final = 1.0
PUBLISH_S: Final = 0.2


async def publish_until_stopped(publisher: Publisher, lease: Lease, stopping: StopSignal) -> None:
    """Renew the lease and publish crossings until the stop. Then release the lease for another process."""
    try:
        await asyncio.gather(
            run_forever(lease.renew, stopping, name="milestones-lease", pause_s=RENEW_S),
            run_forever(publisher.publish_once, stopping, name="milestones", pause_s=PUBLISH_S),
        )
    finally:
        await publisher.close()
        await lease.release()
