"""The composition root of a rebuild, which the `rebuild` command or the publisher starts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aggregator.decoding.batch_decoder import Decode, decode_batch
from aggregator.decoding.decoder_selection import install_decoder
from aggregator.domain.event_fold import PARTITIONS
from aggregator.rebuild.shadow_set import RegisterEpoch
from aggregator.rebuild.tally_rebuild import REBUILD_LEASE, TallyRebuild
from aggregator.settings import EVENT_TOPIC, AggregatorSettings
from aggregator.tallies.postgres_tally_store import PostgresTallyStore
from database.pool import connect
from kafka.settings import KafkaSettings
from kafka.topic_reader import open_reader
from outbox.postgres_leases import Lease, new_holder

if TYPE_CHECKING:
    import asyncpg


FETCH_BYTES_MAX: Final = 4 << 20
RECORDS_MAX: Final = 5_000


async def run_rebuild(settings: AggregatorSettings, kafka: KafkaSettings) -> int:
    """Rebuild the live tallies; return the number of counted events.

    Raises CompiledDecoderMissingError if the settings require a decoder that cannot be used. Raises
    RebuildImpossibleError if the topic lacks an event. Raises RebuildSupersededError if another rebuild
    interferes.
    """
    decode = install_decoder(settings.compiled)
    pool = await connect(
        settings.database, service="aggregator", application_name="aggregator rebuild", max_size=6
    )
    try:
        return await _build(pool, kafka, decode).run()
    finally:
        pool.terminate()


async def rebuild_for_epoch(pool: asyncpg.Pool[Any], kafka: KafkaSettings, epoch: RegisterEpoch) -> int:
    """Rebuild the tallies for the register's new epoch, decoding in pure Python.

    Returns the number of counted events. Raises RebuildSupersededError if another rebuild interferes.
    """
    return await _build(pool, kafka, decode_batch).run(epoch)


def _build(pool: asyncpg.Pool[Any], kafka: KafkaSettings, decode: Decode) -> TallyRebuild:
    open_topic = partial(
        open_reader,
        kafka,
        EVENT_TOPIC,
        range(PARTITIONS),
        records_max=RECORDS_MAX,
        fetch_bytes_max=FETCH_BYTES_MAX,
    )
    lease = Lease(pool, REBUILD_LEASE, new_holder())
    return TallyRebuild(pool, PostgresTallyStore(pool), open_topic, lease, decode)
