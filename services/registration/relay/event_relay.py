"""Publishes the register's events while this process holds the lease, and pauses while it does not."""

from __future__ import annotations

from typing import Final

from lifecycle.stop_signal import StopSignal
from outbox.publisher import Publisher, PublishOutcome
from registration.relay.metrics import REFUSED
from telemetry.health import Progress

REFUSED_PAUSE_S: Final = 1.0
STANDBY_PAUSE_S: Final = 0.2


class EventRelay:
    """Runs the publisher. Each call of `relay_once` also reports progress to the health check."""

    def __init__(self, publisher: Publisher, progress: Progress) -> None:
        self._publisher = publisher
        self._progress = progress
        self.failing: bool = False
        """Whether an attempt to publish is running, or the last one raised an error."""

    async def relay_once(self, stopping: StopSignal) -> None:
        """Publish the pending events. Without the lease, or if the guard refuses publishing, only pause.

        Raises the error that ended publishing. The next call starts again from the stored positions.
        """
        self._progress.beat()
        self.failing = True
        outcome = await self._publisher.publish_once()
        REFUSED.set(self._publisher.refused is not None)
        self.failing = False
        if outcome is PublishOutcome.REFUSED:
            await stopping.wait(REFUSED_PAUSE_S)
        elif outcome is PublishOutcome.STANDING_BY:
            await stopping.wait(STANDBY_PAUSE_S)
