"""Builds the Faust app of a worker: its transport, limits, timeouts and Kafka credentials."""

from __future__ import annotations

from typing import Any, Final

import faust

from aggregator.consumer.faust_transport import SCHEME, register_transport
from aggregator.consumer.fetch_consumer import BatchApp
from settings.kafka import KafkaSettings

FETCH_BYTES_MAX: Final = 8 << 20
FETCH_RECORDS_MAX: Final = 100_000
"""Records of one fetch share a statement and equal standings, so larger fetches cost less per record. Memory
is the limit."""
HEARTBEAT_S: Final = 0.5
"""Workers learn of a lost peer from heartbeat responses; this delay is part of every recovery."""


def build_app(kafka: KafkaSettings, app_id: str) -> BatchApp:
    """Build an app on the batch transport, without tables, a web server or topics of its own."""
    register_transport()
    return BatchApp(
        app_id,
        broker=[f"{SCHEME}://{server}" for server in kafka.bootstrap_servers.split(",")],
        broker_credentials=_credentials(kafka),
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=FETCH_BYTES_MAX,
        consumer_metadata_max_age_ms=30_000,
        broker_max_poll_records=FETCH_RECORDS_MAX,
        broker_session_timeout=6.0,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_request_timeout=10.0,
        # Counts fetches, not records: the default would hold thousands of fetches.
        stream_buffer_maxsize=4,
        # A fetch may finish after a rebalance; its statement counts it only if the positions have not moved.
        stream_wait_empty=False,
    )


def _credentials(kafka: KafkaSettings) -> Any:
    context = kafka.ssl_context() if kafka.security_protocol.endswith("SSL") else None
    if kafka.security_protocol.startswith("SASL"):
        assert kafka.sasl_password is not None, "settings require it"
        return faust.SASLCredentials(
            username=kafka.sasl_username,
            password=kafka.sasl_password.get_secret_value(),
            mechanism=kafka.sasl_mechanism,
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context=context)
