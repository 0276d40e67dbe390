"""A Faust transport, for URLs of the scheme `kafka-batches`, whose consumer delivers whole fetches."""

from __future__ import annotations

from typing import Any, Final

from faust.serializers.codecs import Codec, register
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver

from aggregator.consumer.fetch_consumer import FetchConsumer

SCHEME: Final = "kafka-batches"
UNCHANGED_CODEC: Final = "as-is"


class Transport(driver.Transport):
    """A variant of Faust's aiokafka transport that uses `FetchConsumer`."""

    Consumer = FetchConsumer


class _UnchangedCodec(Codec):
    """Passes a fetch through Faust's deserialization unchanged."""

    def _loads(self, s: Any) -> Any:
        return s

    def _dumps(self, s: Any) -> Any:
        return s


def register_transport() -> None:
    """Register the scheme and the codec with Faust. Call it once, before the app is built."""
    # Finalize the registry of transports first. Otherwise Faust would load the transports of installed
    # packages later, and overwrite the entry that is added here.
    TRANSPORTS._maybe_finalize()
    TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"
    register(UNCHANGED_CODEC, _UnchangedCodec())
