"""Rebuilds from an empty start when the register handed out its sequences anew: a higher epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.event_log import TOPIC, EventLog
from aggregator.rebuild import REBUILD_LEASE, Rebuild
from aggregator.tallies.postgres_tally_store import QUERIES
from cuts.reader import follow_register_state
from outbox.postgres_leases import Lease, new_holder
from settings.kafka import KafkaSettings
from telemetry.logs import get

if TYPE_CHECKING:
    import asyncpg

log = get()


async def rebuild_on_higher_epoch(pool: asyncpg.Pool[Any], lease: Lease, kafka: KafkaSettings) -> None:
    """Follow register-state; where we lead, rebuild once its epoch is above ours, then return."""
    async for followed in follow_register_state(kafka):
        live = await QUERIES.live(pool)
        epoch = followed.value.epoch
        if lease.term is not None and epoch > live["epoch"]:
            log.warning("the register began a new epoch", epoch=epoch, ours=live["epoch"])
            topic = EventLog(kafka.client_options(), kafka.topic(TOPIC))
            await Rebuild(pool, topic, Lease(pool, REBUILD_LEASE, new_holder())).run(epoch)
            return
