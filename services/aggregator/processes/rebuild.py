"""The composition root of a rebuild, which the `rebuild` command or the publisher starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.decoding.batch_decoder import Decode, decode_batch
from aggregator.decoding.decoder_selection import install_decoder
from aggregator.event_topic_reader import EVENT_TOPIC, EventTopicReader
from aggregator.rebuild.tally_rebuild import REBUILD_LEASE, TallyRebuild
from aggregator.settings import AggregatorSettings
from aggregator.tallies.postgres_tally_store import PostgresTallyStore
from database.pool import connect
from outbox.postgres_leases import Lease, new_holder
from settings.kafka import KafkaSettings

if TYPE_CHECKING:
    import asyncpg


async def run_rebuild(settings: AggregatorSettings, kafka: KafkaSettings) -> int:
    """Rebuild the live tallies; return the number of counted events.

    Raises CompiledDecoderMissingError if the settings require a decoder that cannot be used. Raises
    RebuildImpossibleError if the topic lacks an event. Raises RebuildSupersededError if another rebuild
    interferes.
    """
    decode = install_decoder(settings.compiled)
    pool = await connect(settings.database, application_name="aggregator rebuild", max_size=6)
    try:
        return await _build(pool, kafka, decode).run()
    finally:
        pool.terminate()


async def rebuild_for_epoch(pool: asyncpg.Pool[Any], kafka: KafkaSettings, epoch: int) -> int:
    """Rebuild the tallies for the register's new epoch, decoding in pure Python.

    Returns the number of counted events. Raises RebuildImpossibleError if the topic lacks an event. Raises
    RebuildSupersededError if another rebuild interferes.
    """
    return await _build(pool, kafka, decode_batch).run(epoch)


def _build(pool: asyncpg.Pool[Any], kafka: KafkaSettings, decode: Decode) -> TallyRebuild:
    topic = EventTopicReader(kafka.client_options(), kafka.topic(EVENT_TOPIC))
    lease = Lease(pool, REBUILD_LEASE, new_holder())
    return TallyRebuild(pool, PostgresTallyStore(pool), topic, lease, decode)
