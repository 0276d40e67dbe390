"""Builds the Faust app of a worker: its transport, limits, timeouts and Kafka credentials."""

from __future__ import annotations

from typing import Any, Final

import faust
import mode.loop

from aggregator.consumer.faust_transport import FetchApp, Transport
from aggregator.consumer.whole_fetch_scheduler import FetchScheduler
from kafka.settings import KafkaSettings

FETCH_BYTES_MAX: Final = 8 << 20
FETCH_RECORDS_MAX: Final = 100_000
"""One statement counts all records of a fetch, and equal standings in it are summed first. A larger fetch
therefore costs less per record. Memory limits its size."""
HEARTBEAT_S: Final = 0.5
"""The seconds between heartbeats. Workers learn from a heartbeat's response that another worker is lost, so
this interval delays every recovery."""
METADATA_MS_MAX: Final = 5_000
"""The interval at which a worker looks for its topic. If the topic was deleted and created again, the worker
has no partitions until then."""
POLL_INTERVAL_S_MAX: Final = 365 * 86_400.0
"""A consumer that fetches nothing for this long leaves its group for good. A stand-by has no partitions, so
it fetches nothing until it takes over; a year means never. The stall watchdog finds a worker that hangs."""


def build_app(kafka: KafkaSettings, app_id: str, session_timeout_s: float) -> FetchApp:
    """Build an app that delivers whole fetches. It has no tables, no web server and no own topics.

    Event loops that are created later are uvloop's.
    """
    # Faust's fetching thread creates its own loop. With asyncio's loop a worker takes 7 % more CPU time
    # (measured).
    mode.loop.use("uvloop")
    app = FetchApp(
        app_id,
        broker=[f"kafka://{server}" for server in kafka.bootstrap_servers.split(",")],
        ConsumerScheduler=FetchScheduler,
        broker_credentials=_credentials(kafka),
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=FETCH_BYTES_MAX,
        consumer_metadata_max_age_ms=METADATA_MS_MAX,
        broker_max_poll_records=FETCH_RECORDS_MAX,
        broker_max_poll_interval=POLL_INTERVAL_S_MAX,
        broker_session_timeout=session_timeout_s,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_request_timeout=10.0,
        # The buffer's size is a number of fetches, not of records. While one fetch is counted, one is in the
        # buffer, and one waits for space in it.
        stream_buffer_maxsize=1,
        # A rebalance need not wait until the buffer is empty. A fetch from before the rebalance may be stored
        # after it, because the SQL statement counts a fetch only if the stored positions have not moved.
        stream_wait_empty=False,
    )
    app.transport = Transport(app.conf.broker_consumer, app)
    return app


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
