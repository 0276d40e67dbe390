"""Starts a rebuild when the register begins a new epoch, because the register's sequences then restart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aggregator.rebuild.shadow_set import RebuildSupersededError, RegisterEpoch
from aggregator.rebuild.tally_set_queries import QUERIES
from cuts.records import RegisterState
from cuts.topic_readers import FollowedRecord, follow_register_state
from kafka.settings import KafkaSettings
from lifecycle.stop_signal import StopSignal
from lifecycle.task_group import run_group
from outbox.postgres_leases import Lease
from telemetry.logs import get

if TYPE_CHECKING:
    import asyncpg

log = get()


class RegisterEpochTrigger:
    """Compares the epoch in register-state with the epoch of the live tallies.

    `on_state` receives every register state.
    """

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        lease: Lease,
        kafka: KafkaSettings,
        rebuild: Callable[[RegisterEpoch], Awaitable[int]],
        on_state: Callable[[FollowedRecord[RegisterState]], None],
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._kafka = kafka
        self._rebuild = rebuild
        self._on_state = on_state

    async def follow_once(self) -> None:
        """Follow the topic register-state until the register's epoch exceeds the tallies' epoch.

        If this process leads, rebuild and return. If the register begins a further epoch meanwhile, the
        rebuild is abandoned for one of the further epoch, because its events may be gone. A stand-by returns
        at once. The caller must call again, because the stand-by may lead by then.
        """
        async for followed in follow_register_state(self._kafka):
            self._on_state(followed)
            live = await QUERIES.live_set(self._pool)
            epoch = RegisterEpoch(followed.value.epoch, followed.value.last_sequence)
            if epoch.number <= live["epoch"]:
                continue
            if self._lease.term is not None:
                log.warning("register began new epoch", epoch=epoch.number, tallies_epoch=live["epoch"])
                await self._rebuild_newest(epoch)
            return

    async def _rebuild_newest(self, epoch: RegisterEpoch) -> None:
        pending = [epoch]
        while pending:
            epoch = pending.pop()
            await run_group(StopSignal(), self._rebuild_once(epoch), self._add_further(epoch, pending))

    async def _rebuild_once(self, epoch: RegisterEpoch) -> None:
        try:
            await self._rebuild(epoch)
        except RebuildSupersededError as superseded:
            # For example, a former leader still waits for the events of the epoch. The next call tries again.
            log.warning("rebuild superseded", epoch=epoch.number, reason=str(superseded))

    async def _add_further(self, epoch: RegisterEpoch, pending: list[RegisterEpoch]) -> None:
        """Return when register-state has a further epoch, after adding it to `pending`."""
        async for followed in follow_register_state(self._kafka):
            if followed.value.epoch > epoch.number:
                pending.append(RegisterEpoch(followed.value.epoch, followed.value.last_sequence))
                return
