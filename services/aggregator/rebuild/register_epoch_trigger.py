"""Starts a rebuild when the register begins a new epoch, because the register's sequences then restart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aggregator.rebuild.tally_set_queries import QUERIES
from cuts.records import RegisterState
from cuts.topic_readers import FollowedRecord, follow_register_state
from kafka.settings import KafkaSettings
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
        rebuild: Callable[[int], Awaitable[int]],
        on_state: Callable[[FollowedRecord[RegisterState]], None],
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._kafka = kafka
        self._rebuild = rebuild
        self._on_state = on_state

    async def follow_once(self) -> None:
        """Follow the topic register-state until a rebuild is needed, then rebuild and return.

        A rebuild is needed if this process leads and the register's epoch exceeds the tallies' epoch.
        """
        async for followed in follow_register_state(self._kafka):
            self._on_state(followed)
            live = await QUERIES.live_set(self._pool)
            epoch = followed.value.epoch
            if self._lease.term is not None and epoch > live["epoch"]:
                log.warning("register began new epoch", epoch=epoch, tallies_epoch=live["epoch"])
                await self._rebuild(epoch)
                return
